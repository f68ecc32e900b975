/**
  The interpreter and tools that steps run with, behind one small interface.

  # Inputs
  `lock`: the `toolchain` entry of nivis.lock. `system`: "x86_64-linux" or "aarch64-linux". `pkgs`: a
  nixpkgs package set, needed only where the lock says `kind = "nixpkgs"`.

  # Type
  toolchain :: { lock :: AttrSet, system :: String, pkgs :: Null | AttrSet } -> {
    system :: String;          # of the derivations built with it
    bash :: String;            # absolute path of bash
    python :: String;          # absolute path of python3.X
    pythonVersion :: String;   # "3.13"
    programs :: String;        # folders of programs, as in PATH
    tools :: Null | ([String] -> String);  # folders of programs of further packages; null: they are in a root (root.nix)
    env :: AttrSet;            # locale, certificates, time zones: the host's would leak in otherwise
    description :: AttrSet;    # what provenance.json says of it
  }
*/
{
  lock,
  system,
  pkgs ? null,
}:
let
  kinds = {
    debian = import ./debian.nix { inherit lock system; };
    nixpkgs = import ./nixpkgs.nix { inherit lock system pkgs; };
  };
in
kinds.${lock.kind}
  or (throw "nivis.toolchain: kind is ${builtins.toJSON lock.kind}, but it should be one of ${builtins.toJSON (builtins.attrNames kinds)}")
