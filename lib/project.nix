/**
  A project's derivations, from its nivis.lock and nix/plans/.

  Evaluation stops where a manifest or a lock file is not the one that the plan or the lock was made from, instead of
  building yesterday's experiment.

  # Inputs
  `root`: the project's folder. `pkgs`: a function from system to nixpkgs, for `kind = "nixpkgs"`.

  # Type
  project :: { root :: Path, pkgs :: Null | (String -> AttrSet) } -> {
    system :: String; toolchain :: AttrSet; environment :: Derivation; shell :: Derivation;
    experiments :: { name = Derivation; … }; lock :: AttrSet;
  }
*/
{
  root,
  pkgs ? null,
}:
let
  inherit (builtins)
    attrNames
    concatStringsSep
    filter
    fromJSON
    hashFile
    listToAttrs
    match
    pathExists
    readDir
    readFile
    toJSON
    ;

  supported = 1;

  # Read one of nivis's JSON files, or say which command makes it.
  read =
    file:
    let
      value = fromJSON (readFile (root + "/${file}"));
    in
    if !pathExists (root + "/${file}") then
      throw "${file} is missing (or git does not track it): run 'nivis lock'"
    else if value.version != supported then
      throw (
        "${file} has version ${toJSON value.version}, but nix/nivis reads version ${toJSON supported}: "
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
      value = read "nivis.lock";
    in
    check "nivis.lock" value.files value;

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

  planFiles = if pathExists (root + "/nix/plans") then attrNames (readDir (root + "/nix/plans")) else [ ];
  planned = filter (file: match ".*\\.json" file != null) planFiles;
  experiment =
    file:
    let
      plan = read "nix/plans/${file}";
      name = builtins.head (match "(.*)\\.json" file);
    in
    {
      inherit name;
      value = check "nix/plans/${file}" { "${plan.folder}/experiment.toml" = plan.manifest; } (
        import ./experiment.nix {
          inherit
            toolchain
            environment
            plan
            root
            lock
            ;
          sourceFolders = lock.source;
        }
      );
    };
  experiments = listToAttrs (map experiment planned);
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
    shell
    system
    toolchain
    ;
}
