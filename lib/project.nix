/**
  A project's derivations, from its nivis.lock and nix/plans/.

  Evaluation stops where a manifest or a lock file is not the one that the plan or the lock was made from, instead of
  building yesterday's experiment.

  # Inputs
  `root`: the project's folder. `extra`: a folder in it with plans beside those of nix/plans, or in their place, results.lock
  files of those (NAME.results) and perhaps a nivis.lock, or null. `deferred`: see experiment.nix.
  `pkgs`: a function from system to nixpkgs, for `kind = "nixpkgs"`.

  # Type
  project :: { root :: Path, extra :: Null | String, deferred :: Bool, pkgs :: Null | (String -> AttrSet) } -> {
    system :: String; toolchain :: AttrSet; environment :: Derivation; shell :: Derivation;
    experiments :: { name = Derivation; … }; lock :: AttrSet; roots :: { tools = Derivation; … };
  }
*/
{
  root,
  extra ? null,
  deferred ? false,
  pkgs ? null,
}:
let
  inherit (builtins)
    attrNames
    concatStringsSep
    elem
    filter
    fromJSON
    hashFile
    listToAttrs
    mapAttrs
    match
    pathExists
    readDir
    readFile
    removeAttrs
    toJSON
    toString
    ;

  supported = {
    lock = [ 1 ];
    plan = [
      2
      3
    ];
    results = [ 1 ];
  };

  # Read one of nivis's JSON files, or say which command makes it.
  read =
    versions: file:
    let
      value = fromJSON (readFile (root + "/${file}"));
    in
    if !pathExists (root + "/${file}") then
      throw "${file} is missing (or git does not track it): run 'nivis lock'"
    else if !elem value.version versions then
      throw (
        "${file} has version ${toJSON value.version}, but nix/nivis reads version ${concatStringsSep " and " (map toJSON versions)}: "
        + "run 'nivis lock' with the nivis that wrote it"
      )
    else
      value;

  # Names of the files that are no longer what was planned from.
  changed =
    files: filter (file: !pathExists (root + "/${file}") || hashFile "sha256" (root + "/${file}") != files.${file}) (attrNames files);

  check =
    file: files: value:
    if changed files == [ ] then
      value
    else
      throw "${concatStringsSep ", " (changed files)} changed after ${file} was written: run 'nivis lock'";

  lock =
    let
      other = "${toString extra}/nivis.lock";
      file = if extra != null && pathExists (root + "/${other}") then other else "nivis.lock";
      value = read supported.lock file;
    in
    check file value.files value;

  inherit (lock) system;
  toolchain = import ./toolchain {
    lock = lock.toolchain;
    inherit system;
    pkgs = if pkgs == null then null else pkgs system;
  };
  environment = import ./environment.nix {
    inherit toolchain;
    wheels = lock.python.wheels or [ ];
  };

  # What tests of tables run with: an environment of its own, whatever the project's has.
  tables =
    if lock ? tables then
      import ./environment.nix {
        inherit toolchain;
        inherit (lock.tables) wheels;
      }
    else
      null;

  recordsIn = file: if pathExists (root + "/${file}") then read supported.results file else { };
  roots = mapAttrs (
    name: root:
    import ./root.nix {
      inherit toolchain name;
      debs = map (key: lock.debs.${key}) root.packages;
    }
  ) (removeAttrs (lock.roots or { }) [ "~" ]);

  plansIn =
    folder:
    let
      files = if pathExists (root + "/${folder}") then attrNames (readDir (root + "/${folder}")) else [ ];
    in
    map (experiment folder) (filter (file: match ".*\\.json" file != null) files);
  experiment =
    folder: file:
    let
      plan = read supported.plan "${folder}/${file}";
      name = builtins.head (match "(.*)\\.json" file);
    in
    {
      inherit name;
      value = check "${folder}/${file}" { "${plan.folder}/experiment.toml" = plan.manifest; } (
        import ./experiment.nix {
          inherit
            toolchain
            environment
            plan
            root
            roots
            lock
            tables
            deferred
            ;
          records = recordsIn "${plan.folder}/results.lock" // recordsIn "${folder}/${name}.results";
          sourceFolders = lock.source;
        }
      );
    };
  experiments = listToAttrs ((if extra == null then [ ] else plansIn extra) ++ plansIn "nix/plans");
  shell = import ./shell.nix {
    inherit toolchain environment;
    sourceFolders = lock.source;
  };
in
{
  inherit
    environment
    experiments
    lock
    roots
    shell
    system
    tables
    toolchain
    ;
}
