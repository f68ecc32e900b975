/**
  What a project consists of, as plain data: every store path that a build needs or makes.

  `nivis` reads it as JSON, to bring missing inputs and to name what is being built.

  # Inputs
  `root`: the project's folder. `extra`: see project.nix. `experiments`: the names wanted, or null for all.

  # Type
  inventory :: { root :: Path, extra :: Null | String, experiments :: Null | [String] } -> AttrSet
*/
{
  root,
  extra ? null,
  experiments ? null,
}:
let
  inherit (builtins)
    attrNames
    concatMap
    filter
    listToAttrs
    mapAttrs
    removeAttrs
    unsafeDiscardStringContext
    ;

  project = import ./project.nix { inherit root extra; };
  path = object: unsafeDiscardStringContext "${object}";
  both = derivation: {
    drv = unsafeDiscardStringContext derivation.drvPath;
    out = path derivation;
  };
  # The tools of the wanted experiments' steps.
  used = filter (key: project.roots ? ${key}) (concatMap (name: project.experiments.${name}.tools) wanted);
  wanted = if experiments == null then attrNames project.experiments else experiments;
in
{
  base = if project.toolchain ? base then path project.toolchain.base else null;
  toolchain = if project.toolchain ? tree then both project.toolchain.tree else null;
  environment = both project.environment;
  wheels = map (wheel: {
    inherit (wheel) file;
    archive = path wheel.wheel;
    out = path wheel;
  }) project.environment.wheels;
  shell = both project.shell;
  roots = mapAttrs (
    _: root:
    both root
    // {
      debs = map path root.debs;
    }
  ) (listToAttrs (map (key: { name = key; value = project.roots.${key}; }) used));
  experiments = listToAttrs (
    map (
      name:
      let
        experiment = project.experiments.${name};
      in
      {
        inherit name;
        value = both experiment // {
          steps = mapAttrs (_: both) (removeAttrs experiment.steps (attrNames experiment.instances));
          joined = mapAttrs (name: _: both experiment.steps.${name}) experiment.instances;
          data = mapAttrs (
            _: data:
            {
              out = path data;
            }
            // (if data ? archive then { archive = path data.archive; } else { })
          ) experiment.data;
        };
      }
    ) wanted
  );
}
