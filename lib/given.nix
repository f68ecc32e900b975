/**
  A store object that `nivis` (or a shared cache) brings: Nix can check it but cannot make it.

  It is a fixed-output derivation whose only use is its path. Nix runs its builder where the object is
  missing, and that fails with the text of the URL below: the one way to print a sentence before any
  shell is in the store.

  # Inputs
  `name`: of the store path. Either `sha256` (hexadecimal, a single file) or `tree` (SRI hash of the NAR). `missing`: the sentence.

  # Type
  given :: { name :: String, sha256 :: Null | String, tree :: Null | String, missing :: String } -> Derivation
*/
{
  name,
  sha256 ? null,
  tree ? null,
  missing ? "${name} is not in the store: run 'nivis lock' in the project, then build again",
}:
derivation {
  inherit name;
  system = "builtin";
  builder = "builtin:fetchurl";
  url = "nivis://${missing}";
  outputHashMode = if tree == null then "flat" else "recursive";
  outputHashAlgo = "sha256";
  outputHash = if tree == null then sha256 else tree;
  preferLocalBuild = true;
  unpack = false;
  executable = false;
}
