"""Unpack one wheel into $out, as PyPA's `installer` does, and compile its modules.

Layout: lib/pythonX.Y/site-packages (purelib and platlib), include/, share/ and whatever else the wheel's
data folder holds, and bin/: the wheel's own script files, untouched. Console scripts are written by
the environment, since they name its interpreter.

Programs (ELF files with a loader: ruff, cmake, ninja) get the toolchain's loader, and its libraries after their own:
a sandbox has no /lib64.

Environment: wheel, file (its name), out, pythonVersion, bytecode, NIX_BUILD_CORES.
"""

import os
import shutil
import struct
import subprocess
import sys
import zipfile

from installer import install
from installer.destinations import SchemeDictionaryDestination
from installer.records import RecordEntry
from installer.sources import WheelFile

OUT = os.environ["out"]
SITE = f"{OUT}/lib/python{os.environ['pythonVersion']}/site-packages"
CORES = int(os.environ.get("NIX_BUILD_CORES") or 0) or os.cpu_count() or 1


class StoreDestination(SchemeDictionaryDestination):
    """A destination that leaves everything that depends on the environment to the environment."""

    def write_script(self, name, module, attr, section):
        """Write nothing: entry_points.txt says all that the environment needs."""
        return RecordEntry(name, None, None)

    def write_file(self, scheme, path, stream, is_executable):
        """Write a file; scripts keep their `#!python` line."""
        path = os.fspath(path)
        return self.write_to_fs(scheme, path, stream, is_executable)


class NamedWheel(WheelFile):
    """A wheel whose file in the store has a hash before its name."""

    def __init__(self, archive, name):
        """Open ``archive`` as if its file were called ``name``."""
        archive.filename = name
        super().__init__(archive)


def patchelf(*arguments):
    """Run patchelf and return what it prints."""
    return subprocess.run(["patchelf", *arguments], capture_output=True, text=True, check=True).stdout.strip()


def allow_scripts():
    """Make everything in bin/ executable, as pip does, whatever the archive says."""
    if os.path.isdir(f"{OUT}/bin"):
        for name in os.listdir(f"{OUT}/bin"):
            os.chmod(f"{OUT}/bin/{name}", 0o755)


def programs(folder):
    """Yield the executable ELF files below a folder that name a loader (PT_INTERP): libraries do not."""
    for directory, folders, names in os.walk(folder):
        folders.sort()
        for path in (os.path.join(directory, name) for name in sorted(names)):
            if os.stat(path).st_mode & 0o100:
                with open(path, "rb") as file:
                    head = file.read(4096)
                if head[:5] == b"\x7fELF\2" and has_loader(head):
                    yield path


def has_loader(head):
    """Tell whether the program headers of a 64-bit ELF file name a loader (ELF-64 specification, figure 2-1)."""
    (offset,) = struct.unpack_from("<Q", head, 0x20)
    size, count = struct.unpack_from("<HH", head, 0x36)
    places = range(offset, min(offset + size * count, len(head) - 3), size or 1)
    return any(struct.unpack_from("<I", head, place) == (3,) for place in places)


def patch_programs():
    """Let the programs of the wheel run from the store."""
    found = list(programs(OUT))
    if not found or shutil.which("patchelf") is None:  # without it, the toolchain finds libraries in another way
        return
    python = os.path.realpath(sys.executable)
    loader, libraries = patchelf("--print-interpreter", python), patchelf("--print-rpath", python)
    for path in found:
        rpath = ":".join(filter(None, (patchelf("--print-rpath", path), libraries)))
        subprocess.run(
            ["patchelf", "--set-interpreter", loader, "--force-rpath", "--set-rpath", rpath, path], check=True
        )


def main():
    """Unpack and compile."""
    schemes = {
        "purelib": SITE,
        "platlib": SITE,
        "headers": f"{OUT}/include/python{os.environ['pythonVersion']}",
        "scripts": f"{OUT}/bin",
        "data": OUT,
    }
    os.makedirs(SITE)
    destination = StoreDestination(schemes, interpreter=sys.executable, script_kind="posix")
    with zipfile.ZipFile(os.environ["wheel"]) as archive:
        install(NamedWheel(archive, os.environ["file"]), destination, {"INSTALLER": b"nivis\n"})
    allow_scripts()
    patch_programs()
    subprocess.run([sys.executable, "-IS", os.environ["bytecode"], SITE, str(CORES)], check=True)


main()
