"""Print poetry.lock as requirements for pip's hash-checking mode: requirements.py GROUP…"""

import sys
import tomllib
from pathlib import Path

wanted = set(sys.argv[1:])
lock = tomllib.loads((Path(__file__).parents[1] / "poetry.lock").read_text(encoding="utf-8"))

for package in lock["package"]:
    groups = wanted & set(package["groups"])
    if not groups:
        continue
    markers = package.get("markers")  # one for all groups, or one for each
    if isinstance(markers, dict):
        each = [markers.get(group) for group in sorted(groups)]
        markers = None if None in each else " or ".join(f"({marker})" for marker in each)
    hashes = "".join(f" \\\n    --hash={file['hash']}" for file in package["files"])
    condition = f" ; {markers}" if markers else ""
    print(f"{package['name']}=={package['version']}{condition}{hashes}")
