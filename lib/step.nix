/**
  One step of a pipeline: a command, run with exactly what it was given.

  Called once with what the steps of an experiment share, then once a step; anything done in the inner
  function is paid thousands of times.

  # Inputs
  `toolchain`, `environment`: what runs it. `experiment`: the plan's name. `folder`: where the experiment lies in
  the project. `sourceFolders`: folders on PYTHONPATH. `sources`, `data`, `steps`: by name, what steps may refer to.

  # Type
  step :: AttrSet -> (name :: String) -> (step :: AttrSet) -> Derivation
*/
{
  toolchain,
  environment,
  experiment,
  folder,
  sourceFolders,
  sources,
  data,
  steps,
}:
let
  inherit (builtins)
    concatStringsSep
    isString
    placeholder
    replaceStrings
    toJSON
    toString
    ;

  out = placeholder "out";
  fragment =
    part:
    if isString part then
      part
    else if part ? out then
      out
    else if part ? data then
      "${data.${part.data}}"
    else
      "${steps.${part.step}}";
  text = parts: concatStringsSep "" (map fragment parts);
  quote = word: "'${replaceStrings [ "'" ] [ "'\\''" ] word}'";
  lines = concatStringsSep "\n";
  given = set: names: builtins.listToAttrs (map (name: { inherit name; value.path = "${set.${name}}"; }) names);

  shared = toolchain.env // {
    inherit (toolchain) system;
    inherit folder;
    builder = toolchain.bash;
    args = [ ./step.sh ];
    outputs = [ "out" ];
    passAsFile = [
      "expected"
      "files"
      "inputs"
      "params"
      "run"
    ];
    sourcePath = concatStringsSep ":" sourceFolders;
    PATH = "${environment}/bin:${toolchain.programs}";
    # What would make two runs of one step differ.
    LC_ALL = "C.UTF-8";
    # matplotlib draws random identifiers into SVG files otherwise, and looks for a screen.
    MATPLOTLIBRC = builtins.toFile "matplotlibrc" "backend: Agg\nsvg.hashsalt: nivis\n";
    NO_COLOR = "1"; # the log is read as text
    PYTHONDONTWRITEBYTECODE = "1";
    PYTHONHASHSEED = "0";
    PYTHONNOUSERSITE = "1";
    PYTHONUNBUFFERED = "1";
    SHELL = toolchain.bash;
    SOURCE_DATE_EPOCH = "315532800"; # 1980-01-01, the first date that zip files know
    TZ = "UTC";
  };
in
name: step:
let
  cores = toString step.cores;
in
derivation (
  shared
  // {
    # As many threads as the manifest says, wherever it runs: numerical libraries add up in another order otherwise.
    NIVIS_CORES = cores;
    LOKY_MAX_CPU_COUNT = cores;
    MKL_NUM_THREADS = cores;
    NUMEXPR_NUM_THREADS = cores;
    OMP_NUM_THREADS = cores;
    OPENBLAS_NUM_THREADS = cores;
    POLARS_MAX_THREADS = cores;
    RAYON_NUM_THREADS = cores;
  }
  // step.env
  // {
    name = "${experiment}-${name}";
    run = if step ? argv then concatStringsSep " " (map (word: quote (text word)) step.argv) else text step.run;
    files = lines (map (file: "${sources.${file}} ${file}") step.files);
    expected = lines (step.outputs ++ step.metrics ++ step.plots);
    inherit (step) params;
    inputs = toJSON {
      data = given data step.data;
      steps = given steps step.steps;
    };
  }
)
