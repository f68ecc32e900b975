/**
  One step of a pipeline: a command, run with exactly what it was given.

  Called once with what the steps of an experiment share, then once a step; anything done in the inner
  function is paid thousands of times.

  # Inputs
  `toolchain`, `environment`: what runs it. `roots`: what steps with tools run in, by the tools' names. `experiment`: the
  plan's name. `folder`: where the experiment lies in the project. `sourceFolders`: folders on PYTHONPATH. `sources`, `data`,
  `steps`: by name, what steps may refer to.
  `instances`: by name and label, those of steps that are swept or fanned out; `gathered`: by name, all of them: { paths, inputs }.
  `verdicts`: by name, those of checks.

  `name` is `train`, or `train@c=0.1` for an instance of a swept step, which has a `label`.

  # Type
  step :: AttrSet -> (name :: String) -> (step :: AttrSet) -> Derivation
*/
{
  toolchain,
  environment,
  roots,
  experiment,
  folder,
  sourceFolders,
  sources,
  data,
  steps,
  instances,
  gathered,
  verdicts ? { },
}:
let
  inherit (builtins)
    attrNames
    concatMap
    concatStringsSep
    elem
    elemAt
    isList
    isString
    mapAttrs
    placeholder
    replaceStrings
    toJSON
    toString
    ;

  out = placeholder "out";
  quote = word: "'${replaceStrings [ "'" ] [ "'\\''" ] word}'";
  lines = concatStringsSep "\n";
  object = fields: "{${concatStringsSep "," fields}}";
  field = name: json: "${toJSON name}:${json}";
  # What NIVIS_INPUTS says of one path; values are JSON text, since Nix before 2.16 writes floats with six digits.
  given = path: object [ (field "path" (toJSON "${path}")) ];
  instance =
    path: label: values:
    object [
      (field "label" (toJSON label))
      (field "path" (toJSON "${path}"))
      (field "values" values)
    ];
  # A name that the store allows.
  storeName = replaceStrings [ "@" "," "~" ] [ "-" "-" "-" ];

  # Programs that a plan may call.
  library."notebook.py" = "${./notebook.py}";

  shared = toolchain.env // {
    inherit (toolchain) system;
    inherit folder;
    builder = toolchain.bash;
    args = [ ./step.sh ];
    outputs = [ "out" ];
    passAsFile = [
      "expected"
      "files"
      "links"
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
  # A step with tools: step.sh enters the root.
  inside = mapAttrs (
    _: root:
    shared
    // {
      NIVIS_ROOT = root;
      NIVIS_ROOT_REFUSED = root.refused;
      FORCE_SOURCE_DATE = "1"; # TeX: \today is the date above as well
      NIVIS_ROOT_PATH = "${environment}/bin:/usr/local/bin:/usr/bin:/usr/local/sbin:/usr/sbin:/usr/games:${toolchain.programs}";
    }
  ) roots;
  within =
    tools:
    if toolchain.tools != null then
      shared // { PATH = "${environment}/bin:${toolchain.tools tools}:${toolchain.programs}"; }
    else
      inside.${concatStringsSep " " tools}
      or (throw "nivis.lock does not have the tools ${concatStringsSep ", " tools}: run 'nivis lock'");
in
name: step:
let
  cores = toString step.cores;
  along = step.along or [ ];
  own = name: instances.${name}.${step.label};
  path =
    name:
    if elem name along then
      "${own name}"
    else if gathered ? ${name} then
      gathered.${name}.paths
    else
      "${steps.${name}}";
  input =
    name:
    if elem name along then
      instance (own name) step.label step.values
    else if gathered ? ${name} then
      gathered.${name}.inputs
    else
      given steps.${name};
  fragment =
    part:
    if isString part then
      part
    else if part ? text then
      elemAt step.texts part.text
    else if part ? out then
      out
    else if part ? library then
      library.${part.library}
    else if part ? data then
      "${data.${part.data}}"
    else
      path part.step;
  text = parts: concatStringsSep "" (map fragment parts);
  argument = word: if isList word then quote (text word) else text word.raw;
in
derivation (
  (if step ? tools then within step.tools else shared)
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
  // (if step ? guards then { guards = map (name: "${verdicts.${name}}") step.guards; } else { })
  // (if step ? foreach then mapAttrs (_: key: step.itemTexts.${key}) step.item else { })
  // {
    name = storeName "${experiment}-${name}";
    run = if step ? argv then concatStringsSep " " (map argument step.argv) else text step.run;
    files = lines (map (file: "${sources.${file}} ${file}") step.files);
    # As text: builtins.path follows a link or keeps it, by the version of Nix.
    links = lines (concatMap (path: [ path step.links.${path} ]) (attrNames (step.links or { })));
    expected = lines (step.outputs ++ step.metrics ++ step.plots);
    inherit (step) params;
    inputs = object (
      [ (field "data" (object (map (name: field name (given data.${name})) step.data))) ]
      ++ (if step ? values then [ (field (if step ? foreach then "item" else "matrix") step.values) ] else [ ])
      ++ [ (field "steps" (object (map (name: field name (input name)) step.steps))) ]
    );
  }
)
