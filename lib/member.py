"""Copy one file out of a wheel, an sdist or an npm package to $out.

In a tarball the path is looked for as given, then below the only top folder ("package/" in npm's).

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
        members = {member.name.removeprefix("./"): member for member in archive if member.isfile()}
        tops = {name.partition("/")[0] for name in members}
        below = f"{tops.pop()}/{MEMBER}" if len(tops) == 1 else MEMBER
        found = members.get(MEMBER) or members.get(below)
        if found:
            copy(archive.extractfile(found))
            return
    sys.exit(f"{ARCHIVE}: no file {MEMBER!r}")


main()
