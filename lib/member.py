"""Copy one file out of a wheel, an sdist or an npm package to $out.

Members of a tarball are named below its single top folder ("package/" in npm's).

Environment: archive, member, out.
"""

import os
import shutil
import sys
import tarfile
import zipfile

ARCHIVE = os.environ["archive"]
MEMBER = os.environ["member"]


def copy(stream):
    """Write the member."""
    with open(os.environ["out"], "wb") as file:
        shutil.copyfileobj(stream, file, 1 << 20)


def main():
    """Find the member."""
    if zipfile.is_zipfile(ARCHIVE):
        with zipfile.ZipFile(ARCHIVE) as archive, archive.open(MEMBER) as stream:
            copy(stream)
        return
    with tarfile.open(ARCHIVE) as archive:
        for member in archive:
            if member.isfile() and member.name.removeprefix("./").partition("/")[2] == MEMBER:
                copy(archive.extractfile(member))
                return
    sys.exit(f"{ARCHIVE}: no file {MEMBER!r}")


main()
