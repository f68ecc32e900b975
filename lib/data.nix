/**
  One data set of a plan, as a fixed output: a file of the project, a download, or a file of a published package.

  # Inputs
  `data`: an entry of a plan's `data`.

  # Type
  data :: { toolchain :: AttrSet, data :: AttrSet } -> Derivation
*/
{ toolchain, data }:
if data ? archive then
  derivation {
    inherit (data) name member;
    inherit (toolchain) system;
    builder = toolchain.python;
    args = [
      "-I"
      ./member.py
    ];
    PATH = toolchain.programs;
    archive = import ./fetch.nix {
      name = builtins.replaceStrings [ "!" ] [ "-" ] data.archive.file;
      inherit (data.archive) sha256;
      url = data.archive.url or null;
    };
    outputHashMode = "flat";
    outputHashAlgo = "sha256";
    outputHash = data.sha256;
  }
else if data ? url then
  import ./fetch.nix { inherit (data) name sha256 url; }
else
  import ./given.nix {
    inherit (data) name;
    sha256 = data.sha256 or null;
    tree = data.tree or null;
  }
