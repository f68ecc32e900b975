/**
  All instances of a swept step: a folder of links to their outputs, by label.

  # Type
  join :: { toolchain :: AttrSet, name :: String, links :: { label = Derivation; … } } -> Derivation
*/
{
  toolchain,
  name,
  links,
}:
derivation {
  inherit name;
  inherit (toolchain) system;
  builder = toolchain.python;
  args = [
    "-I"
    "-c"
    ''
      import json, os
      os.mkdir(os.environ["out"])
      with open(os.environ["linksPath"]) as file:
          for label, path in json.load(file).items():
              os.symlink(path, os.path.join(os.environ["out"], label))
    ''
  ];
  PATH = toolchain.programs;
  passAsFile = [ "links" ];
  links = builtins.toJSON (builtins.mapAttrs (_: link: "${link}") links);
}
