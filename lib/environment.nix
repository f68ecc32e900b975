/**
  A Python environment: a virtual environment in the store whose packages are links to unpacked wheels.

  # Inputs
  `wheels`: entries of nivis.lock's `python.wheels`.

  # Type
  environment :: { toolchain :: AttrSet, wheels :: [AttrSet] } -> Derivation
*/
{ toolchain, wheels }:
derivation {
  name = "python-environment";
  inherit (toolchain) system python pythonVersion;
  builder = toolchain.python;
  args = [
    "-I"
    ./environment.py
  ];
  wheels = map (wheel: import ./wheel.nix { inherit toolchain wheel; }) wheels;
  passAsFile = [ "wheels" ];
  PATH = toolchain.programs; # Nix passes a builder its bare name, and Python finds itself by PATH
  LC_ALL = "C.UTF-8";
  preferLocalBuild = true;
}
