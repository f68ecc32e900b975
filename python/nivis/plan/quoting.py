"""Put parameter values into commands as text, quoted for the place where they stand.

Numbers and booleans look as in JSON and TOML (``true``, ``0.1``); a list becomes words separated by blanks. Text that
is a safe shell word stays as it is everywhere, so that scripts read naturally.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from nivis.manifest.model import Scalar
from nivis.plan.shell import Quote

# Stricter than shlex.quote: a word with "=" could become an assignment. Never empty.
_SAFE = re.compile(r"[A-Za-z0-9@%+:,./_-]+\Z")
# Inside ${…} and arithmetic, "/", "%", ":" and "," mean something.
_BARE = re.compile(r"[A-Za-z0-9._+-]+\Z")
_IN_DOUBLE = re.compile(r'([\\"$`])')
_IN_DOCUMENT = re.compile(r"([\\$`])")
_IN_ANSI = re.compile(r"([\\'])")


def plain(value: Scalar) -> str:
    """Return a value as text: ``true``, ``3``, the shortest form of a float, a string as it is."""
    return value if isinstance(value, str) else json.dumps(value)


def is_safe(text: str) -> bool:
    """Tell whether ``text`` is a word that means itself, quoted or not."""
    return _SAFE.match(text) is not None


def is_bare(text: str) -> bool:
    """Tell whether ``text`` means itself in every place of a script, also inside ``${…}`` and arithmetic."""
    return _BARE.match(text) is not None


def quoted(words: Sequence[str], quote: Quote) -> str | None:
    """Return ``words`` as they must be written where ``quote`` holds; None if they cannot stand there."""
    if quote is Quote.NONE:
        return " ".join(word if is_safe(word) else _single(word) for word in words)
    text = " ".join(words)
    if quote is Quote.DOUBLE:
        return _IN_DOUBLE.sub(r"\\\1", text)
    if quote is Quote.SINGLE:
        return _single(text)[1:-1]
    if quote is Quote.ANSI:
        return _IN_ANSI.sub(r"\\\1", text)
    if quote is Quote.DOCUMENT:
        return _IN_DOCUMENT.sub(r"\\\1", text)
    if quote in {Quote.LITERAL_DOCUMENT, Quote.COMMENT}:
        return text
    allowed = _SAFE if quote is Quote.BACKQUOTE else _BARE
    return text if all(allowed.match(word) for word in words) else None


def _single(word: str) -> str:
    return "'" + word.replace("'", "'\\''") + "'"
