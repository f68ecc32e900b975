/**
  A toolchain from Debian packages: the base tree, patched so that its programs find their own loader
  and libraries.

  The tree runs unpatched through its own loader, so its own Python patches it: no nixpkgs is needed.
*/
{ lock, system }:
let
  inherit (builtins) head match;

  triplets = {
    x86_64-linux = {
      triplet = "x86_64-linux-gnu";
      loader = "ld-linux-x86-64.so.2";
    };
    aarch64-linux = {
      triplet = "aarch64-linux-gnu";
      loader = "ld-linux-aarch64.so.1";
    };
  };
  inherit (triplets.${system}) triplet loader;

  pythonVersion = head (match "([0-9]+\\.[0-9]+).*" lock.python);
  base = import ../given.nix { inherit (lock.tree) name; tree = lock.tree.hash; };
  libraries = "${base}/usr/lib/${triplet}";

  tree = derivation {
    name = "debian-${lock.suite}-toolchain";
    inherit system base triplet loader pythonVersion;
    builder = "${libraries}/${loader}";
    args = [
      "--library-path"
      libraries
      "${base}/usr/bin/python${pythonVersion}"
      "-S"
      ./patch.py
    ];
    outputs = [ "out" ];
    bytecode = ../bytecode.py;
    PYTHONHOME = "${base}/usr";
    PYTHONHASHSEED = "0";
    PYTHONDONTWRITEBYTECODE = "1";
    LC_ALL = "C.UTF-8";
  };
in
{
  inherit system pythonVersion base tree;
  bash = "${tree}/bin/bash";
  python = "${tree}/bin/python${pythonVersion}";
  programs = "${tree}/bin";
  tools = null;
  env = {
    GCONV_PATH = "${tree}/usr/lib/${triplet}/gconv";
    LANG = "C.UTF-8";
    LOCPATH = "${tree}/usr/lib/locale";
    PYTHONTZPATH = "${tree}/usr/share/zoneinfo";
    SSL_CERT_FILE = "${tree}/etc/ssl/certs/ca-certificates.crt";
    TZDIR = "${tree}/usr/share/zoneinfo";
  };
  description = {
    inherit (lock) kind suite python libc;
    tree = lock.tree.hash;
    packages = map (p: "${p.name}=${p.version}") lock.packages;
  };
}
