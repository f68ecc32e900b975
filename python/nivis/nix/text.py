"""Text that programs wrote for a terminal, as it reads without one."""

from __future__ import annotations

import re

# ECMA-48: control sequences (colours, cursor), operating system commands (links, titles), other escapes.
_ESCAPE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])")


def plain(text: str) -> str:
    """Return text without colours and other escape sequences."""
    return _ESCAPE.sub("", text) if "\x1b" in text else text


def plain_line(line: str) -> str:
    """Return one line of a log: without escape sequences, and of what a progress bar drew over itself only the end."""
    return plain(line).rstrip("\r").rpartition("\r")[2]
