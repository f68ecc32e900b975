"""What experiments, steps, data sets, profiles and the keys of a matrix may be called."""

from __future__ import annotations

import re

NAME_RULE = "Use letters, digits, '_' and '-', and do not begin with '-'."

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]*\Z")


def is_name(text: str) -> bool:
    """Tell whether ``text`` follows NAME_RULE."""
    return _NAME.match(text) is not None
