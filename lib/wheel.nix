/**
  One wheel, unpacked and compiled for one interpreter; shared by all environments that contain it.

  # Inputs
  `toolchain`: see toolchain/. `wheel`: an entry of nivis.lock's `python.wheels`.

  # Type
  wheel :: { toolchain :: AttrSet, wheel :: { name, version, file, sha256, url ? } } -> Derivation
*/
{ toolchain, wheel }:
let
  # A version's epoch ("1!2.0") has a character that store paths do not allow.
  storeName = builtins.replaceStrings [ "!" ] [ "-" ];
in
derivation {
  name = storeName "${wheel.name}-${wheel.version}";
  inherit (toolchain) system pythonVersion;
  inherit (wheel) file;
  builder = toolchain.python;
  args = [
    "-I"
    ./wheel.py
  ];
  wheel = import ./fetch.nix {
    name = storeName wheel.file;
    inherit (wheel) sha256;
    url = wheel.url or null;
  };
  bytecode = ./bytecode.py;
  PATH = toolchain.programs; # Nix passes a builder its bare name, and Python finds itself by PATH
  LC_ALL = "C.UTF-8";
}
