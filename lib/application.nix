/**
  A Python program of one's own, with its environment: what `nix run` starts.

  # Inputs
  `name`: of the program. `package`: the folder of its Python package, or several: { "nivis" = ./python/nivis; "nivis/share/lib" = ./lib; },
  by the place each takes below site-packages. `entry`: "module:function".

  # Type
  application :: {
    toolchain :: AttrSet, environment :: Derivation, name :: String, version :: String,
    packages :: { path = Path; … }, entry :: String
  } -> Derivation
*/
{
  toolchain,
  environment,
  name,
  version,
  packages,
  entry,
}:
derivation {
  name = "${name}-${version}";
  pname = name;
  inherit (toolchain) system;
  inherit environment entry;
  builder = toolchain.python;
  args = [
    "-I"
    ./application.py
  ];
  packages = builtins.toJSON (builtins.mapAttrs (_: path: "${path}") packages);
  passAsFile = [ "packages" ];
  bytecode = ./bytecode.py;
  PATH = toolchain.programs;
  LC_ALL = "C.UTF-8";
}
