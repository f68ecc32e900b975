/**
  The development shell: the environment of the steps, with the project's own code importable in place.

  `nix develop` runs a derivation's builder to learn its variables; an empty `stdenv/setup` keeps that to
  what stands here.

  # Type
  shell :: { toolchain :: AttrSet, environment :: Derivation, sourceFolders :: [String] } -> Derivation
*/
{
  toolchain,
  environment,
  sourceFolders,
}:
let
  inherit (builtins) concatStringsSep;
  setup = builtins.toFile "setup" "";
  stdenv = derivation {
    name = "stdenv";
    inherit (toolchain) system;
    builder = toolchain.bash;
    PATH = toolchain.programs;
    args = [
      "-c"
      ''mkdir "$out"; cp ${setup} "$out/setup"; :''
    ];
  };
in
derivation (
  toolchain.env
  // {
    name = "nivis-shell";
    inherit (toolchain) system;
    inherit stdenv;
    builder = toolchain.bash;
    outputs = [ "out" ];
    # Building it is of no use, but must not fail: `nix flake check` and `nix build` may do so.
    args = [
      "-c"
      ''echo > "$out"; :''
    ];
    PATH = "${environment}/bin:${toolchain.programs}";
    NIVIS_ENVIRONMENT = "${environment}";
    PYTHONNOUSERSITE = "1";
    NIVIS_SOURCE = concatStringsSep ":" sourceFolders;
    shellHook = ''
      NIVIS_PROJECT=''${NIVIS_PROJECT:-$PWD}
      while [ ! -e "$NIVIS_PROJECT/nivis.lock" ] && [ -n "$NIVIS_PROJECT" ]; do NIVIS_PROJECT=''${NIVIS_PROJECT%/*}; done
      PYTHONPATH=$NIVIS_PROJECT/''${NIVIS_SOURCE//:/:$NIVIS_PROJECT/}
      export NIVIS_PROJECT PYTHONPATH
    '';
  }
)
