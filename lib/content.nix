/**
  What a step wrote, named by its bytes alone: a fixed output that carries the recorded hash.

  Successors get it in the step's place, so that a step which writes the same bytes as before makes nothing after it run
  again (constructive traces: Mokhov, Mitchell, Peyton Jones, "Build systems à la carte", 2018, section 4.2.3).
  `nivis` puts it into the store after the step has run; plain Nix copies the step's output, and refuses other bytes.

  # Inputs
  `hash`: SRI hash of the NAR. `source`: the step, or null for a frozen one, whose content has to be there.

  # Type
  content :: { toolchain :: AttrSet, name :: String, hash :: String, source :: Null | Derivation } -> Derivation
*/
{ toolchain }:
{
  name,
  hash,
  source,
}:
if source == null then
  import ./given.nix {
    inherit name;
    tree = hash;
    missing = "the frozen output ${name} is not in the store: run 'nivis unfreeze' to have it made anew";
  }
else
  derivation {
    inherit name source;
    inherit (toolchain) system;
    builder = toolchain.bash;
    args = [
      "-c"
      "cp -dR -- \"$source\" \"$out\"; :"
    ];
    PATH = toolchain.programs;
    outputHashMode = "recursive";
    outputHashAlgo = "sha256";
    outputHash = hash;
  }
