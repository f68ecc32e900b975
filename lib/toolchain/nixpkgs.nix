/**
  A toolchain from a pinned nixpkgs: the same interface for those who have it at hand.
*/
{
  lock,
  system,
  pkgs,
}:
let
  inherit (builtins) concatStringsSep replaceStrings match head;
  pythonVersion = head (match "([0-9]+\\.[0-9]+).*" lock.python);
  # The builders need these two libraries; wheels never see them, an environment has its own site-packages.
  python = pkgs."python${replaceStrings [ "." ] [ "" ] pythonVersion}".withPackages (p: [
    p.installer
    p.pyyaml
  ]);
  tools = [
    pkgs.bashInteractive
    pkgs.coreutils
    pkgs.gnused
    pkgs.gnugrep
    pkgs.gawk
    pkgs.findutils
    pkgs.gnutar
    pkgs.gzip
    pkgs.xz
    pkgs.diffutils
    pkgs.time
  ]
  ++ map (tool "[tool.nivis.toolchain] packages") lock.tools;
  tool =
    by: name:
    pkgs.${name} or (throw "nivis.toolchain: nixpkgs has no package ${builtins.toJSON name}, which ${by} names");
in
{
  inherit system pythonVersion;
  bash = "${pkgs.bashInteractive}/bin/bash";
  python = "${python}/bin/python${pythonVersion}";
  programs = concatStringsSep ":" (map (tool: "${tool}/bin") ([ python ] ++ tools));
  tools = names: concatStringsSep ":" (map (name: "${tool "a step's tools" name}/bin") names);
  env = {
    LANG = "C.UTF-8";
    # Wheels expect the libraries of the manylinux policy; nixpkgs' loader does not search for them.
    LD_LIBRARY_PATH = concatStringsSep ":" (map (library: "${library}/lib") pkgs.pythonManylinuxPackages.manylinux2014);
    PYTHONTZPATH = "${pkgs.tzdata}/share/zoneinfo";
    SSL_CERT_FILE = "${pkgs.cacert}/etc/ssl/certs/ca-bundle.crt";
    TZDIR = "${pkgs.tzdata}/share/zoneinfo";
  };
  description = {
    inherit (lock) kind python;
  };
}
