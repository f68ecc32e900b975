"""What the base tree is made of: the packages it starts from, and dependencies that are useless in an unpacked tree."""

from __future__ import annotations

from collections.abc import Mapping

PYTHON: Mapping[str, str] = {"bookworm": "python3.11", "trixie": "python3.13"}

SEEDS: tuple[str, ...] = (
    # what a step's shell script may take for granted
    "bash",
    "coreutils",
    "sed",
    "grep",
    "gawk",
    "findutils",
    "diffutils",
    "patch",
    "tar",
    "gzip",
    "bzip2",
    "xz-utils",
    "zstd",
    "time",  # GNU time: a step's duration and peak memory
    # what makes the tree work in the store
    "patchelf",
    "bubblewrap",
    "python3-installer",
    "python3-yaml",
    "tzdata",
    "ca-certificates",
    "libc-bin",  # the locale C.UTF-8
    # libraries that wheels may assume (manylinux, PEP 600)
    "libstdc++6",
    "libgcc-s1",
    "zlib1g",
    "libexpat1",
    "libgomp1",  # not assumed by manylinux, but by wheels of lightgbm and others in practice
)

EXCLUDED: Mapping[str, str] = {
    "adduser": "creates system users in maintainer scripts, which do not run",
    "base-files": "/etc/os-release and message of the day of a whole system",
    "debconf": "asks questions in maintainer scripts, which do not run",
    "dpkg": "installs packages; the tree is never changed",
    "init-system-helpers": "registers services, of which there are none",
    "install-info": "indexes info pages, which are left out",
    "openssl": "the program, which ca-certificates uses in its maintainer script; the libraries are not meant",
    "sensible-utils": "finds the user's editor and browser",
}
