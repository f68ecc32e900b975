/**
  What a project consists of, as plain data: every store path that a build needs or makes.

  `nivis` reads it as JSON, to bring missing inputs, to see what is ready to run and to name what is being built. Checks are
  among the steps: `checks.x (test)`, and `checks.x`, its verdict. What is not known before a step has run is left out: the
  steps in `pending`, and the result if there are any.

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

  project = import ./project.nix {
    inherit root extra;
    deferred = true;
  };
  path = object: unsafeDiscardStringContext "${object}";
  bare = path: if path == null then null else unsafeDiscardStringContext path;
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
  tables = if project.tables == null then null else both project.tables;
  wheels = map (wheel: {
    inherit (wheel) file;
    archive = path wheel.wheel;
    out = path wheel;
  }) (project.environment.wheels ++ (if project.tables == null then [ ] else project.tables.wheels));
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
        value = {
          result = if experiment.pending == [ ] then both experiment else null;
          inherit (experiment) pending;
          # What successors get of a step, where that is not the step itself.
          steps = mapAttrs (
            step: recipe:
            both recipe
            // (if experiment.steps.${step} == recipe then { } else { content = path experiment.steps.${step}; })
          ) experiment.recipes;
          joined = mapAttrs (name: _: both experiment.steps.${name}) experiment.instances;
          lists = mapAttrs (
            _: list:
            both list.derivation
            // {
              files = if list.known == null then null else mapAttrs (_: item: bare item.itemPath) list.known;
            }
          ) experiment.lists;
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
