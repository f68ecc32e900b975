"""Unpack one wheel into $out, as PyPA's `installer` does, and compile its modules.

Layout: lib/pythonX.Y/site-packages (purelib and platlib), include/, share/ and whatever else the wheel's
data folder holds, and scripts/: the wheel's own script files, untouched. Console scripts are written by
the environment, since they name its interpreter.

Environment: wheel, file (its name), out, pythonVersion, bytecode, NIX_BUILD_CORES.
"""

import os
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
        return RecordEntry(f"../../../bin/{name}", None, None)

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


def main():
    """Unpack and compile."""
    schemes = {
        "purelib": SITE,
        "platlib": SITE,
        "headers": f"{OUT}/include/python{os.environ['pythonVersion']}",
        "scripts": f"{OUT}/scripts",
        "data": OUT,
    }
    os.makedirs(SITE)
    destination = StoreDestination(schemes, interpreter=sys.executable, script_kind="posix")
    with zipfile.ZipFile(os.environ["wheel"]) as archive:
        install(NamedWheel(archive, os.environ["file"]), destination, {"INSTALLER": b"nivis\n"})
    subprocess.run([sys.executable, "-IS", os.environ["bytecode"], SITE, str(CORES)], check=True)


main()
