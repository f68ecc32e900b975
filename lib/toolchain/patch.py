"""Turn an unpacked Debian base tree into a toolchain that runs from the store.

Programs get the tree's loader and libraries (DT_RPATH, which is searched for everything that a program
loads, also for the libraries of wheels); absolute links become relative; scripts get the tree's
interpreters. Libraries need no change.

Environment: base, out, triplet, loader, pythonVersion, bytecode, NIX_BUILD_CORES.
"""

import os
import shutil
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

BASE = os.environ["base"]
OUT = os.environ["out"]
TRIPLET = os.environ["triplet"]
LOADER = os.environ["loader"]
PYTHON = "python" + os.environ["pythonVersion"]
CORES = int(os.environ.get("NIX_BUILD_CORES") or 0) or os.cpu_count() or 1

LIBRARIES = f"{OUT}/usr/lib/{TRIPLET}"
# What manylinux lets a wheel assume (PEP 600 and its policy list). Loaded by the interpreter itself, so
# that a wheel with a RUNPATH of its own cannot pick up the host's outside the sandbox.
ASSUMED = (
    "libstdc++.so.6",
    "libgcc_s.so.1",
    "libm.so.6",
    "libz.so.1",
    "libexpat.so.1",
    "libgomp.so.1",
    "libdl.so.2",
    "librt.so.1",
    "libpthread.so.0",
    "libutil.so.1",
    "libresolv.so.2",
    "libanl.so.1",
)


def entries(folder):
    """Yield every entry below ``folder``, folders first."""
    for directory, folders, files in os.walk(folder):
        folders.sort()
        for name in sorted(folders) + sorted(files):
            yield os.path.join(directory, name)


def relink(path):
    """Make an absolute link relative, within the tree."""
    target = os.readlink(path)
    if target.startswith("/"):
        os.unlink(path)
        os.symlink(os.path.relpath(OUT + target, os.path.dirname(path)), path)


def interpreter_of(path):
    """Return b"" for an ELF file with a loader, a script's first line, or None for anything else."""
    with open(path, "rb") as file:
        head = file.read(4096)
    if head[:4] == b"\x7fELF":
        return b"" if LOADER.encode() + b"\0" in head else None
    return head.split(b"\n", 1)[0] if head[:2] == b"#!" else None


def patch_program(path):
    """Give one program the tree's loader and libraries."""
    command = [f"{BASE}/usr/lib/{TRIPLET}/{LOADER}", "--library-path", f"{BASE}/usr/lib/{TRIPLET}", f"{BASE}/usr/bin/patchelf"]
    command += ["--set-interpreter", f"{LIBRARIES}/{LOADER}", "--force-rpath", "--set-rpath", f"{LIBRARIES}:{OUT}/usr/lib"]
    if os.path.basename(path) == PYTHON:
        for library in ASSUMED:
            if os.path.exists(f"{LIBRARIES}/{library}"):
                command += ["--add-needed", library]
    subprocess.run([*command, path], check=True)


def patch_script(path, line):
    """Point a script's first line into the tree, where the tree has its interpreter."""
    words = line[2:].decode("utf-8", "replace").split()
    if not words:
        return
    name = os.path.basename(words[1] if os.path.basename(words[0]) == "env" and len(words) > 1 else words[0])
    if not os.path.exists(f"{OUT}/usr/bin/{name}"):
        return
    rest = words[2:] if os.path.basename(words[0]) == "env" else words[1:]
    with open(path, "rb") as file:
        body = file.read().split(b"\n", 1)[1]
    mode = os.stat(path).st_mode
    with open(path, "wb") as file:
        file.write(" ".join([f"#!{OUT}/bin/{name}", *rest]).encode() + b"\n" + body)
    os.chmod(path, mode)


def name_programs():
    """Add the names that Debian makes when a package is configured (alternatives, python3-minimal)."""
    for name, target in {"sh": "bash", "awk": "gawk", "python3": PYTHON, "python": PYTHON}.items():
        path = f"{OUT}/usr/bin/{name}"
        if os.path.lexists(path):
            os.unlink(path)
        os.symlink(target, path)


def gather_certificates():
    """Join the certificates as update-ca-certificates does."""
    folder = Path(OUT, "etc/ssl/certs")
    folder.mkdir(parents=True, exist_ok=True)
    parts = sorted(Path(OUT, "usr/share/ca-certificates").rglob("*.crt"))
    folder.joinpath("ca-certificates.crt").write_bytes(b"".join(part.read_bytes() for part in parts))


def point_shell():
    """Let `subprocess` with shell=True use the tree's shell: the sandbox of Nix 2.8 has no /bin/sh."""
    path = Path(OUT, f"usr/lib/{PYTHON}/subprocess.py")
    text = path.read_text()
    if text.count("'/bin/sh'") != 1:
        sys.exit(f"{path}: expected one '/bin/sh'")
    path.write_text(text.replace("'/bin/sh'", f"'{OUT}/bin/sh'"))


def main():
    """Copy, patch and compile."""
    shutil.copytree(BASE, OUT, symlinks=True)
    name_programs()
    programs, scripts = [], []
    for path in entries(OUT):
        mode = os.lstat(path).st_mode
        if stat.S_ISLNK(mode):
            relink(path)
            continue
        os.chmod(path, mode | stat.S_IWUSR)
        if stat.S_ISREG(mode) and mode & stat.S_IXUSR:
            line = interpreter_of(path)
            if line == b"":
                programs.append(path)
            elif line:
                scripts.append((path, line))
    gather_certificates()
    point_shell()
    for path, line in scripts:
        patch_script(path, line)
    with ThreadPoolExecutor(CORES) as pool:
        list(pool.map(patch_program, programs))
    subprocess.run([f"{OUT}/bin/python", "-IS", os.environ["bytecode"], f"{OUT}/usr/lib", str(CORES)], check=True)


main()
