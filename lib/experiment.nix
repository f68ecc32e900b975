/**
  An experiment's result: its steps' outputs side by side, the figures, the metrics, hashes and provenance.

  The derivation carries its steps: `experiment-x.steps.train`. Of a swept step that is a folder of links to its
  instances, which are `experiment-x.steps."train@c=0.1"`; `instances.train` has them by label.

  # Inputs
  `plan`: one file of nix/plans. `root`: the project. `roots`: by the names of the tools in them. `lock`: nivis.lock.

  # Type
  experiment :: { toolchain, environment, plan, root, roots, lock, sourceFolders } -> Derivation
*/
{
  toolchain,
  environment,
  plan,
  root,
  roots,
  lock,
  sourceFolders,
}:
let
  inherit (builtins)
    attrNames
    attrValues
    concatMap
    concatStringsSep
    filter
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
    ) (concatMap (step: [ step ] ++ filter (own: own ? files) (attrValues (step.instances or { }))) (attrValues plan.steps))
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
      roots
      sources
      data
      gathered
      sourceFolders
      ;
    steps = single // flat;
    experiment = plan.name;
    inherit (plan) folder;
  };
  isSwept = name: plan.steps.${name} ? instances;
  swept = removeAttrs plan.steps (filter (name: !isSwept name) (attrNames plan.steps));
  single = mapAttrs step (removeAttrs plan.steps (attrNames swept));
  instances = mapAttrs (
    name: common: mapAttrs (label: own: step "${name}@${label}" (common // own // { inherit label; })) common.instances
  ) swept;
  flat = listToAttrs (
    concatMap (
      name:
      map (label: {
        name = "${name}@${label}";
        value = instances.${name}.${label};
      }) (attrNames instances.${name})
    ) (attrNames instances)
  );
  gathered = mapAttrs (name: set: {
    paths = concatStringsSep " " (map (label: "${set.${label}}") (attrNames set));
    inputs = listed name set;
  }) instances;
  listed =
    name: set:
    let
      entry =
        label:
        ''{"label":${toJSON label},"path":${toJSON "${set.${label}}"},"values":${swept.${name}.instances.${label}.values}}'';
    in
    ''{"instances":[${concatStringsSep "," (map entry (attrNames set))}]}'';
  joined = mapAttrs (
    name: set:
    import ./join.nix {
      inherit toolchain;
      name = "${plan.name}-${name}";
      links = set;
    }
  ) instances;
  variant = plan.variant or plan.name;

  # What the result has of each step, an entry an instance.
  entries = concatMap (
    name:
    let
      common = {
        inherit name;
        inherit (plan.steps.${name}) metrics plots;
      };
    in
    if isSwept name then
      map (label: common // { inherit label; out = "${instances.${name}.${label}}"; }) (attrNames instances.${name})
    else
      [ (common // { out = "${single.${name}}"; }) ]
  ) (attrNames plan.steps);
  # The tools of the plan's steps, each with all that came with it.
  tools = listToAttrs (
    map (key: {
      name = key;
      value = lock.roots.${key}.packages or [ ];
    }) (filter (key: key != "") (map (step: concatStringsSep " " (step.tools or [ ])) (attrValues plan.steps)))
  );
  made = derivation: { output = unsafeDiscardStringContext derivation.outPath; };

  result = derivation {
    name = "experiment-${variant}";
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
    steps = toJSON entries;
    provenance = toJSON {
      inherit (plan) experiment name params;
      # Of parameters other than those of [params]: what sets them.
      ${if plan ? profile then "profile" else null} = plan.profile;
      ${if plan ? overrides then "overrides" else null} = plan.overrides;
      # Nothing that depends on the mirror it came from: .drv paths and package URLs do, output paths do not.
      data = mapAttrs (
        _: data: removeAttrs data [ "url" ] // (if data ? archive then { archive = removeAttrs data.archive [ "url" ]; } else { })
      ) plan.data;
      toolchain = toolchain.description;
      ${if tools == { } then null else "tools"} = tools;
      wheels = map (wheel: { inherit (wheel) name version sha256; }) (lock.python.wheels or [ ]);
      steps = mapAttrs (
        name: step:
        {
          inherit (step) files;
          ${if step ? tools then "tools" else null} = step.tools;
        }
        // (
          if isSwept name then
            {
              instances = mapAttrs (
                label: own:
                made instances.${name}.${label} // { inherit (own) values; } // (if own ? files then { inherit (own) files; } else { })
              ) step.instances;
            }
          else
            made single.${name}
        )
      ) plan.steps;
    };
  };
in
result // { inherit data instances; tools = attrNames tools; steps = single // joined // flat; }
