"""What instances of a swept step are called: ``c=0.1,seed=1``.

A label follows from an instance's own values and the order of their names, so it stays when values are added or
reordered. It is safe as the name of a file, in a shell and in the address of a flake's output: values that are long or
have other characters stand as what is safe of them, ``~`` and a digest.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from hashlib import sha256

from nivis.manifest.model import Value

Values = Mapping[str, Value]

LONGEST = 100  # characters of a label
LONGEST_VALUE = 40

_SAFE = re.compile(r"[A-Za-z0-9._+-]+\Z")
_ODD = re.compile(r"[^A-Za-z0-9._+-]+")


def label_of(values: Values) -> str:
    """Return an instance's label."""
    parts = [f"{key}={value_text(value)}" for key, value in values.items()]
    label = ",".join(parts)
    if len(label) <= LONGEST:
        return label
    while parts and len(",".join(parts)) > LONGEST - 10:
        parts.pop()
    return ",".join([*parts, _digest(dict(values))])


def value_text(value: Value) -> str:
    """Return a value as it stands in a label."""
    text = value if isinstance(value, str) else json.dumps(value)
    if len(text) <= LONGEST_VALUE and _SAFE.match(text):
        return text
    return _ODD.sub("-", text).strip("-")[:20] + _digest(value)


def _digest(value: Value) -> str:
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return "~" + sha256(text.encode()).hexdigest()[:8]
