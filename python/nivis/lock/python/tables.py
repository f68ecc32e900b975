"""The library that rules for tables are tested with: polars, in an environment of its own.

Its version belongs to nivis, so that a check finds the same in every project, whatever the project's lock file has. The
wheels are known by hash; only where to get them is looked up, on the indexes of the machine.
"""

from __future__ import annotations

import json
from hashlib import sha256

from nivis.lock.model import Wheel

# Stable ABI: one file for every Python from 3.11 on.
WHEELS = (
    Wheel(
        name="polars",
        version="2.1.0",
        file="polars-2.1.0-py3-none-any.whl",
        sha256="63c50ce3533f5a03d17c3a2a24f1d0e0c7eda98fbde4268a3cba900d34060e67",
    ),
    Wheel(
        name="polars-runtime-32",
        version="2.1.0",
        file="polars_runtime_32-2.1.0-cp311-abi3-manylinux_2_17_x86_64.manylinux2014_x86_64.whl",
        sha256="0b838056cf365d7497971d9d9825c547766923338771c48c545b86ead2ebc572",
    ),
)


def request(*, urls: bool) -> str:
    """Return the digest of what is asked for."""
    asked = {"urls": urls, "wheels": [wheel.sha256 for wheel in WHEELS]}
    return sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()
