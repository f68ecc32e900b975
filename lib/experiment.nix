/**
  An experiment's result: its steps' outputs side by side, the figures, the metrics, hashes and provenance.

  The derivation carries its steps: `experiment-x.steps.train`.

  # Inputs
  `plan`: one file of nix/plans. `root`: the project. `lock`: nivis.lock.

  # Type
  experiment :: { toolchain, environment, plan, root, lock, sourceFolders } -> Derivation
*/
{
  toolchain,
  environment,
  plan,
  root,
  lock,
  sourceFolders,
}:
let
  inherit (builtins)
    attrNames
    concatMap
    listToAttrs
    mapAttrs
    removeAttrs
    toJSON
    unsafeDiscardStringContext
    ;

  data = mapAttrs (_: data: import ./data.nix { inherit toolchain data; }) plan.data;

  # One store object a file, so that a step depends on the files it reads and on no others.
  sources = listToAttrs (
    concatMap (
      step:
      map (file: {
        name = file;
        value = builtins.path {
          path = root + "/${file}";
          name = storeName (baseNameOf file);
        };
      }) step.files
    ) (builtins.attrValues plan.steps)
  );
  storeName =
    name:
    let
      clean = builtins.replaceStrings [ " " ] [ "_" ] name;
    in
    if builtins.match "[A-Za-z0-9+_?=-][A-Za-z0-9+._?=-]*" clean == null then "source" else clean;

  step = import ./step.nix {
    inherit
      toolchain
      environment
      sources
      data
      steps
      sourceFolders
      ;
    experiment = plan.name;
    inherit (plan) folder;
  };
  steps = mapAttrs step plan.steps;

  result = derivation {
    name = "experiment-${plan.name}";
    inherit (toolchain) system;
    builder = toolchain.python;
    args = [
      "-I"
      ./experiment.py
    ];
    PATH = toolchain.programs;
    LC_ALL = "C.UTF-8";
    passAsFile = [
      "steps"
      "provenance"
    ];
    steps = toJSON (
      map (name: {
        inherit name;
        out = "${steps.${name}}";
        inherit (plan.steps.${name}) metrics plots;
      }) (attrNames steps)
    );
    provenance = toJSON {
      inherit (plan) experiment name params;
      # Nothing that depends on the mirror it came from: .drv paths and package URLs do, output paths do not.
      data = mapAttrs (
        _: data: removeAttrs data [ "url" ] // (if data ? archive then { archive = removeAttrs data.archive [ "url" ]; } else { })
      ) plan.data;
      toolchain = toolchain.description;
      wheels = map (wheel: { inherit (wheel) name version sha256; }) (lock.python.wheels or [ ]);
      steps = mapAttrs (name: step: {
        output = unsafeDiscardStringContext step.outPath;
        inherit (plan.steps.${name}) files;
      }) steps;
    };
  };
in
result // { inherit steps data; }
