"""Names that the Nix store accepts (Nix manual, "Store path")."""

from __future__ import annotations

import re
from urllib.parse import unquote, urlsplit

_REFUSED = re.compile(r"[^A-Za-z0-9+._-]+")  # by the store; and "?" and "=", which shells read otherwise
_LONGEST = 150  # of 211 that Nix allows: a .drv or a .lock of it must fit, too


def store_name(text: str) -> str:
    """Return a name for a store path that is as near to ``text`` as may be; of a long one the end is kept."""
    return _REFUSED.sub("-", text).lstrip(".-")[-_LONGEST:].lstrip(".-") or "data"


def url_name(url: str) -> str:
    """Return the store name of the file that ``url`` points to."""
    return store_name(unquote(urlsplit(url).path).rstrip("/").rpartition("/")[2])
