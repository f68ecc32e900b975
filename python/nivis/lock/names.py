"""Names that the Nix store accepts.

Letters, digits and ``+-._?=``, not starting with a dot, at most 211 characters (Nix manual, "Store path").
"""

from __future__ import annotations

import re
from urllib.parse import unquote, urlsplit

_LONGEST = 211


def store_name(text: str) -> str:
    """Return ``text`` with what the store does not accept replaced by ``-``; its suffix survives cutting."""
    name = re.sub(r"[^A-Za-z0-9+\-._?=]+", "-", text).lstrip(".")
    if len(name) > _LONGEST:
        stem, dot, suffix = name.rpartition(".")
        tail = dot + suffix if stem and len(suffix) < 20 else ""
        name = name[: _LONGEST - len(tail)] + tail
    return name.strip("-") or "data"


def url_name(url: str) -> str:
    """Return the store name of the file that ``url`` points to."""
    return store_name(unquote(urlsplit(url).path).rstrip("/").rpartition("/")[2])
