"""Turn an unpacked Debian base tree into a toolchain that runs from the store.

Programs get the tree's loader and libraries (DT_RPATH, which is searched for everything that a program
loads, also for the libraries of wheels); absolute links become relative; scripts get the tree's
interpreters. Libraries need no change.

Environment: base, out, triplet, loader, pythonVersion, bytecode, NIX_BUILD_CORES.
"""

import os
import shutil
import stat
import struct
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


def kinds():
    """Sort the base tree's paths: folders, links (far and to their neighbours), executables, modules, other files."""
    found = {"folder": [], "link": [], "near": [], "executable": [], "module": [], "other": []}
    for directory, folders, files in os.walk(BASE):
        folders.sort()
        for name in sorted(folders) + sorted(files):
            source = os.path.join(directory, name)
            mode = os.lstat(source).st_mode
            if stat.S_ISLNK(mode):
                kind = "link" if "/" in os.readlink(source) else "near"
            elif stat.S_ISDIR(mode):
                kind = "folder"
            elif mode & stat.S_IXUSR:
                kind = "executable"
            else:
                kind = "module" if name.endswith(".py") else "other"
            found[kind].append(source[len(BASE) :])
    return found


def link_tree():
    """Make a tree of links to the base tree, with what is to be changed copied; return the executable files.

    A folder in which nothing is to be changed is one link. Absolute links become relative.
    """
    found = kinds()
    own = {"", "/etc", "/etc/ssl", "/etc/ssl/certs"}  # folders of our own
    for path in found["link"] + found["executable"] + found["module"]:
        while (path := os.path.dirname(path)) not in own:
            own.add(path)
    os.mkdir(OUT)
    for path in found["folder"]:
        if path in own:
            os.mkdir(OUT + path)
    for path in found["folder"] + found["module"] + found["other"]:
        if os.path.dirname(path) in own and path not in own:
            os.symlink(BASE + path, OUT + path)
    for path in found["link"] + found["near"]:
        if os.path.dirname(path) in own:
            to = os.readlink(BASE + path)
            os.symlink(os.path.relpath(to, os.path.dirname(path)) if to.startswith("/") else to, OUT + path)
    for path in found["executable"]:
        shutil.copyfile(BASE + path, OUT + path)
        os.chmod(OUT + path, 0o755)
    return [OUT + path for path in found["executable"]]


def has_loader(head):
    """Tell whether an ELF file's program headers name a loader (PT_INTERP; ELF-64 specification, figure 2-1)."""
    (offset,) = struct.unpack_from("<Q", head, 0x20)
    size, count = struct.unpack_from("<HH", head, 0x36)
    return any(struct.unpack_from("<I", head, offset + size * index) == (3,) for index in range(count))


def interpreter_of(path):
    """Return b"" for an ELF file with a loader, a script's first line, or None for anything else."""
    with open(path, "rb") as file:
        head = file.read(4096)
    if head[:4] == b"\x7fELF":
        return b"" if has_loader(head) else None
    return head.split(b"\n", 1)[0] if head[:2] == b"#!" else None


def patchelf(*arguments):
    """Run the base tree's patchelf through the base tree's loader."""
    libraries = f"{BASE}/usr/lib/{TRIPLET}"
    subprocess.run(
        [f"{libraries}/{LOADER}", "--library-path", libraries, f"{BASE}/usr/bin/patchelf", *arguments], check=True
    )


def patch_program(path):
    """Give one program the tree's loader and libraries."""
    if os.path.basename(path) == PYTHON:
        # A call of its own, and first: patchelf 0.14 mixes up the strings when it also sets the path.
        needed = [library for library in ASSUMED if os.path.exists(f"{LIBRARIES}/{library}")]
        patchelf(*(word for library in needed for word in ("--add-needed", library)), path)
    patchelf(
        "--set-interpreter", f"{LIBRARIES}/{LOADER}", "--force-rpath", "--set-rpath", f"{LIBRARIES}:{OUT}/usr/lib", path
    )


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
    for name, target in {
        "sh": "bash",
        "awk": "gawk",
        "which": "which.debianutils",
        "python3": PYTHON,
        "python": PYTHON,
    }.items():
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
    path.unlink()  # a link to the base tree's
    path.write_text(text.replace("'/bin/sh'", f"'{OUT}/bin/sh'"))


SITECUSTOMIZE = '''\
"""Let os.system use the toolchain's shell: a sandbox has no /bin/sh, or another one."""

import os
import sys


def system(command):
    """Run a command in a subshell and return its wait status."""
    command = os.fsencode(command)
    sys.audit("os.system", command)
    return os.waitpid(os.posix_spawn({shell!r}, ["sh", "-c", command], os.environ), 0)[1]


os.system = system
'''


def customise():
    """Replace os.system: the module is frozen into the interpreter, so there is no file to patch."""
    path = Path(OUT, f"usr/lib/{PYTHON}/sitecustomize.py")
    path.unlink(missing_ok=True)  # Debian's looks for its own crash reporter
    path.write_text(SITECUSTOMIZE.format(shell=f"{OUT}/bin/sh"))


def main():
    """Copy, patch and compile."""
    executables = link_tree()
    name_programs()
    lines = {path: interpreter_of(path) for path in executables}
    gather_certificates()
    point_shell()
    customise()
    for path, line in lines.items():
        if line:
            patch_script(path, line)
    with ThreadPoolExecutor(CORES) as pool:
        list(pool.map(patch_program, [path for path, line in lines.items() if line == b""]))
    subprocess.run([f"{OUT}/bin/python", "-IS", os.environ["bytecode"], f"{OUT}/usr/lib", str(CORES)], check=True)


main()
