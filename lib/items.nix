/**
  What a fan-out runs over: the files that a step wrote, or the rows of a list that it wrote.

  `derivation` writes the list (items.py says its form); `items` makes instances of a list that is known, by label. A file
  becomes a fixed output by itself, so that a change in one file concerns the instance of that file alone.

  # Inputs
  `foreach`: { step, kind, path, label, keys } of the plan. `sources`: [{ label, path }], the step's output or its instances'.

  # Type
  items :: { toolchain, name, foreach, sources } -> { derivation :: Derivation, items :: [AttrSet] -> { label = AttrSet; … } }
*/
{
  toolchain,
  name,
  foreach,
  sources,
}:
let
  inherit (builtins)
    listToAttrs
    match
    replaceStrings
    toJSON
    ;
  # By label, where several instances wrote files.
  paths = listToAttrs (
    map (source: {
      name = source.label;
      value = source.path;
    }) sources
  );
  storeName =
    file:
    let
      clean = replaceStrings [ " " ] [ "_" ] (baseNameOf file);
    in
    if match "[A-Za-z0-9+_?=-][A-Za-z0-9+._?=-]{0,150}" clean == null then "item" else clean;
  file =
    item:
    derivation {
      name = storeName item.file;
      inherit (toolchain) system;
      builder = toolchain.bash;
      args = [
        "-c"
        "cat -- \"$source/$file\" >\"$out\"; :"
      ];
      PATH = toolchain.programs;
      source = paths.${item.source};
      inherit (item) file;
      outputHashMode = "flat";
      outputHashAlgo = "sha256";
      outputHash = item.sha256;
    };
in
{
  derivation = derivation {
    name = "${name}-items";
    inherit (toolchain) system;
    builder = toolchain.python;
    args = [
      "-I"
      ./items.py
    ];
    PATH = toolchain.programs;
    LC_ALL = "C.UTF-8";
    passAsFile = [ "asked" ];
    asked = toJSON (
      removeAttrs foreach [ "along" ] // { sources = map (source: source // { path = "${source.path}"; }) sources; }
    );
  };
  items =
    list:
    listToAttrs (
      map (item: {
        name = item.label;
        value = {
          inherit (item) values;
          itemPath = if item ? file then "${file item}" else null;
          itemTexts = item.texts // (if item ? file then { "" = "${file item}"; } else { });
        };
      }) list
    );
}
