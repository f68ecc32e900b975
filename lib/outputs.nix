/**
  A project's flake outputs: the whole body of the flake.nix that `nivis` writes.

  # Inputs
  `root`: the project's folder. `pkgs`: see project.nix.

  # Type
  outputs :: { root :: Path, pkgs :: Null | (String -> AttrSet) } -> { packages, devShells }
*/
{
  root,
  pkgs ? null,
}:
let
  inherit (builtins) attrNames listToAttrs;
  project = import ./project.nix { inherit root pkgs; };
in
{
  packages.${project.system} = {
    inherit (project) environment;
  }
  // listToAttrs (
    map (name: {
      name = "experiment-${name}";
      value = project.experiments.${name};
    }) (attrNames project.experiments)
  );
  devShells.${project.system}.default = project.shell;
}
