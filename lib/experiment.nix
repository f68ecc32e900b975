/**
  An experiment's result: its steps' outputs side by side, the figures, the metrics, hashes and provenance.

  The derivation carries its steps: `experiment-x.steps.train`. Of a step that is swept or fanned out that is a folder of
  links to its instances, which are `experiment-x.steps."train@c=0.1"`; `instances.train` has them by label.
  What successors get of a step, and what stands in the result, is its content where `records` has the hash of what its
  recipe wrote (content.nix); `recipes` has the steps themselves.

  # Inputs
  `plan`: one file of nix/plans. `root`: the project. `roots`: by the names of the tools in them. `lock`: nivis.lock.
  `tables`: see check/; null without rules for tables.
  `records`: results.lock, by the hash part of a step's own store path: { hash, size } or { direct, size }, { items } of a
  fan-out; and "frozen NAME".
  `deferred`: what is not known before a step has run stays unknown (`pending`), instead of being built by the evaluation.

  # Type
  experiment :: { toolchain, environment, plan, root, roots, lock, sourceFolders, tables, records, deferred } -> Derivation
*/
{
  toolchain,
  environment,
  plan,
  root,
  roots,
  lock,
  sourceFolders,
  tables ? null,
  records ? { },
  deferred ? false,
}:
let
  inherit (builtins)
    all
    attrNames
    attrValues
    concatMap
    concatStringsSep
    filter
    fromJSON
    hashFile
    listToAttrs
    mapAttrs
    readFile
    removeAttrs
    substring
    toJSON
    unsafeDiscardStringContext
    ;

  data = mapAttrs (_: data: import ./data.nix { inherit toolchain data; }) plan.data;

  # One store object a file, so that a step depends on the files it reads and on no others. With its hash, Nix looks only
  # whether it has the file, which is five times as fast; a flat hash does not cover whether a file may be executed.
  sources = listToAttrs (
    concatMap (
      step:
      map (file: {
        name = file;
        value = builtins.path (
          {
            path = root + "/${file}";
            name = storeName (baseNameOf file);
          }
          // (
            if executable ? ${file} then
              { }
            else
              {
                recursive = false;
                sha256 = hashFile "sha256" (root + "/${file}");
              }
          )
        );
      }) step.files
    ) (
      concatMap (step: [ step ] ++ filter (own: own ? files) (attrValues (step.instances or { }))) (attrValues plan.steps)
      ++ filter (check: check ? files) (attrValues planned)
    )
  );
  executable = listToAttrs (
    map (name: {
      inherit name;
      value = true;
    }) (plan.executable or [ ])
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
    steps = handedSingle;
    instances = handedInstances;
    verdicts = handedVerdicts;
    experiment = plan.name;
    inherit (plan) folder;
  };

  # What is known of a step's recipe: its hash part is the key of a record.
  key = derivation: substring 11 32 (unsafeDiscardStringContext derivation.outPath);
  frozenKey = name: "frozen ${if variant == plan.name then "" else "${variant}: "}${name}";
  content = import ./content.nix { inherit toolchain; };
  hand =
    name: derivation:
    let
      record = records.${key derivation} or { };
      frozen = records.${frozenKey name} or null;
      hash = if frozen == null then record.hash or null else frozen.hash;
    in
    if hash == null then
      derivation
    else
      content {
        inherit (derivation) name;
        inherit hash;
        source = if record.hash or null == hash then derivation else null;
      };

  isSwept = name: plan.steps.${name} ? instances;
  isFanned = name: plan.steps.${name} ? foreach;
  hasInstances = name: isSwept name || isFanned name;
  several = filter hasInstances (attrNames plan.steps);

  # The items of every fan-out, from the record of its list; null while that is unknown.
  lists = mapAttrs (
    name: common:
    import ./items.nix {
      inherit toolchain;
      name = "${plan.name}-${name}";
      inherit (common) foreach;
      sources =
        if common.foreach ? data then
          [
            {
              label = "";
              path = data.${common.foreach.data};
            }
          ]
        else if hasInstances common.foreach.step then
          map (label: {
            inherit label;
            path = handedInstances.${common.foreach.step}.${label};
          }) (attrNames handedInstances.${common.foreach.step})
        else
          [
            {
              label = "";
              path = handedSingle.${common.foreach.step};
            }
          ];
    }
  ) (removeAttrs plan.steps (filter (name: !isFanned name || plan.steps.${name}.foreach ? along) (attrNames plan.steps)));
  source = name: (plan.steps.${name}.foreach or { }).step or null; # of a fan-out: the step that writes what it runs over
  items = mapAttrs (
    name: list:
    let
      record = records.${key list.derivation} or { };
    in
    if source name != null && !known.${source name} then
      null
    else if record ? items then
      list.items record.items
    else if deferred then
      null
    else
      list.items (fromJSON (unsafeDiscardStringContext (readFile list.derivation)))
  ) lists;
  rootOf =
    name:
    let
      inherit (plan.steps.${name}) foreach;
    in
    if foreach ? along then rootOf foreach.along else name;
  # Whether a step's instances and all that it needs are known; without `deferred` they always are.
  known = mapAttrs (
    name: step:
    all (other: known.${other}) (step.steps ++ (if source name == null then [ ] else [ (source name) ]))
    && all (check: isTestable planned.${check}) (step.guards or [ ])
    && (step ? foreach -> items.${rootOf name} != null)
  ) plan.steps;
  isTestable = check: all (name: known.${name}) check.steps;
  pending =
    if deferred then
      filter (name: !known.${name}) (attrNames plan.steps)
      ++ concatMap (name: if isTestable planned.${name} then [ ] else nodesOf name) (attrNames planned)
    else
      [ ];

  # A check is two nodes, like steps to everything that runs, records and hands on: its test, and its verdict.
  planned = plan.checks or { };
  nodesOf = name: [
    "checks.${name} (test)"
    "checks.${name}"
  ];
  check = import ./check {
    inherit
      toolchain
      step
      tables
      data
      ;
    experiment = plan.name;
    metrics = mapAttrs (_: step: step.metrics) plan.steps;
    paths = mapAttrs (
      name: _:
      if hasInstances name then
        map (label: {
          inherit label;
          path = "${handedInstances.${name}.${label}}";
        }) (attrNames handedInstances.${name})
      else
        [ { path = "${handedSingle.${name}}"; } ]
    ) plan.steps;
  };
  tests = mapAttrs check.test planned;
  handedTests = mapAttrs (name: hand "checks.${name} (test)") tests;
  verdicts = mapAttrs (name: entry: check.verdict name entry handedTests.${name}) planned;
  handedVerdicts = mapAttrs (name: hand "checks.${name}") verdicts;
  nodes =
    tests: verdicts:
    listToAttrs (
      concatMap (name: [
        {
          name = "checks.${name} (test)";
          value = tests.${name};
        }
        {
          name = "checks.${name}";
          value = verdicts.${name};
        }
      ]) (attrNames planned)
    );

  own = name: if isFanned name then items.${rootOf name} else plan.steps.${name}.instances;
  single = mapAttrs step (removeAttrs plan.steps several);
  instances = mapAttrs (
    name: common: mapAttrs (label: own: step "${name}@${label}" (common // own // { inherit label; })) (own name)
  ) (removeAttrs plan.steps (attrNames single));
  handedSingle = mapAttrs hand single;
  handedInstances = mapAttrs (name: mapAttrs (label: hand "${name}@${label}")) instances;
  flat =
    sets:
    listToAttrs (
      concatMap (
        name:
        map (label: {
          name = "${name}@${label}";
          value = sets.${name}.${label};
        }) (attrNames sets.${name})
      ) (attrNames sets)
    );
  gathered = mapAttrs (name: set: {
    paths = concatStringsSep " " (map (label: "${set.${label}}") (attrNames set));
    inputs = listed name set;
  }) handedInstances;
  listed =
    name: set:
    let
      values = own name;
      entry =
        label:
        ''{"label":${toJSON label},"path":${toJSON "${set.${label}}"},"values":${values.${label}.values}}'';
    in
    ''{"instances":[${concatStringsSep "," (map entry (attrNames set))}]}'';
  joined = mapAttrs (
    name: set:
    import ./join.nix {
      inherit toolchain;
      name = "${plan.name}-${name}";
      links = set;
    }
  ) handedInstances;
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
    if hasInstances name then
      map (label: common // { inherit label; out = "${handedInstances.${name}.${label}}"; }) (attrNames instances.${name})
    else
      [ (common // { out = "${handedSingle.${name}}"; }) ]
  ) (attrNames plan.steps);
  # The recipe that stands behind an output, by its own store path.
  made = name: derivation: {
    output = unsafeDiscardStringContext derivation.outPath;
    ${if records ? ${frozenKey name} then "frozen" else null} = true;
  };
  # The tools of the plan's steps, each with all that came with it.
  tools = listToAttrs (
    map (key: {
      name = key;
      value = lock.roots.${key}.packages or [ ];
    }) (filter (key: key != "") (map (step: concatStringsSep " " (step.tools or [ ])) (attrValues plan.steps)))
  );

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
    metrics = ./metrics.py;
    # Without checks nothing of them is here, and the result is the same as ever.
    ${if planned == { } then null else "checks"} = toJSON (
      mapAttrs (name: check: {
        inherit (check) why fix severity;
        out = "${handedTests.${name}}";
      }) planned
    );
    ${if planned == { } then null else "verdicts"} = map (name: "${handedVerdicts.${name}}") (
      filter (name: planned.${name}.severity == "block") (attrNames planned)
    );
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
          if hasInstances name then
            {
              instances = mapAttrs (
                label: own:
                made "${name}@${label}" instances.${name}.${label}
                // { inherit (own) values; }
                // (if own ? files then { inherit (own) files; } else { })
              ) (own name);
            }
          else
            made name single.${name}
        )
      ) plan.steps;
      ${if planned == { } then null else "checks"} = mapAttrs (
        name: check: made "checks.${name} (test)" tests.${name} // { inherit (check) severity; }
      ) planned;
    };
  };
in
result
// {
  inherit data pending;
  tools = attrNames tools;
  checks = mapAttrs (name: test: test // { verdict = handedVerdicts.${name}; }) handedTests;
  instances = removeAttrs instances pending;
  # With the items by label, null where they are unknown.
  lists = mapAttrs (name: list: list // { known = items.${name}; }) (
    removeAttrs lists (filter (name: source name != null && !known.${source name}) (attrNames lists))
  );
  steps =
    removeAttrs (handedSingle // joined // nodes handedTests handedVerdicts) pending // flat (removeAttrs handedInstances pending);
  recipes = removeAttrs (single // nodes tests verdicts) pending // flat (removeAttrs instances pending);
}
