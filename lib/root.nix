/**
  A root: Debian packages installed together, maintainer scripts and all, to be mounted as /usr, /etc, … of a step.

  # Inputs
  `toolchain`: see toolchain/. `name`: the tools that it was made for. `debs`: entries of nivis.lock's `debs`.

  # Type
  root :: { toolchain :: AttrSet, name :: String, debs :: [AttrSet] } -> Derivation
*/
{
  toolchain,
  name,
  debs,
}:
let
  inherit (builtins) replaceStrings substring;
in
derivation {
  name = "root-${substring 0 100 (replaceStrings [ " " ] [ "-" ] name)}";
  inherit (toolchain) system;
  builder = toolchain.python;
  args = [
    "-I"
    ./root.py
  ];
  debs = map (
    deb:
    import ./fetch.nix {
      name = "${deb.name}.deb"; # a version may have characters that the store refuses
      inherit (deb) sha256;
      url = deb.url or null;
    }
  ) debs;
  passAsFile = [ "debs" ];
  PATH = toolchain.programs; # Nix passes a builder its bare name, and Python finds itself by PATH
  LC_ALL = "C.UTF-8";
  # Said by this builder and by that of a step, after what bubblewrap says, where it cannot do its work.
  refused =
    "this machine does not let a build make user namespaces, which steps with tools run in. "
    + "Allow them, as root: `sysctl -w user.max_user_namespaces=15000`; on Debian also kernel.unprivileged_userns_clone=1, "
    + "on Ubuntu also kernel.apparmor_restrict_unprivileged_userns=0; "
    + "in a container, start it with --security-opt seccomp=unconfined.";
}
