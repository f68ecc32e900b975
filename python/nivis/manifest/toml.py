"""Read TOML with places: every problem names the file, the line and the key path.

``parse`` decodes a text, ``Table`` hands out typed values and collects what is wrong
(``experiment.toml, line 12: steps.train.outputs must be a list of strings, but it is a string.``),
``locate`` finds lines; it reads the text a second time, so it is used for messages only.
Syntax: https://toml.io/en/v1.0.0
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TypeVar

from nivis.errors import ManifestError, NivisError, did_you_mean, raise_all

KeyPath = tuple[str, ...]
T = TypeVar("T")

_TWICE = re.compile(r"Cannot declare (?P<keys>\(.*\)) twice\Z")
_QUOTED = r"'([^']*)'"
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+\Z")
_PLACE = re.compile(r"(?P<reason>.*?) \(at (?:line (?P<line>\d+), column \d+|end of document)\)\Z", re.DOTALL)
_ADVICE = (
    ("Invalid value", 'Text stands in quotes: key = "value".'),
    ("Illegal character '\\n'", 'A quote is not closed on this line; text of several lines stands in """…""".'),
    ("Unterminated string", "A quote is not closed."),
    ('Expected "\'"', "A quote is not closed."),
    ('Expected \'"""\'', "A quote is not closed."),
    ("Unclosed array", "A ']' or ',' is missing."),
    ("Expected '=' after a key", 'A line is key = "value", or a [table].'),
    ("Cannot overwrite a value", "The key is there already; keep one of them."),
    ("Cannot declare", "Keep one of the two tables."),
    ("Unescaped '\\'", "Write '\\\\' for one backslash, or put the text in single quotes ('…' or '''…''')."),
)


# ---------------------------------------------------------------------------------------- decoding


def parse(text: str, place: str) -> dict[str, object]:
    """Decode ``text``; ``place`` names the file in the ManifestError for a syntax error."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise _syntax_error(str(error), text, place) from None


def _syntax_error(message: str, text: str, place: str) -> ManifestError:
    match = _PLACE.match(message)
    reason = match["reason"] if match else message
    line = match["line"] if match and match["line"] else text.rstrip("\n").count("\n") + 1
    hint = next(
        (advice for start, advice in _ADVICE if reason.startswith(start)), "See https://toml.io for the syntax."
    )
    if twice := _TWICE.match(reason):
        reason = f"[{dotted(re.findall(_QUOTED, twice['keys']))}] is there twice"
    return ManifestError(f"not valid TOML: {reason[:1].lower()}{reason[1:]}", where=f"{place}, line {line}", hint=hint)


def dotted(path: Sequence[str]) -> str:
    """Return a key path as it is written in TOML."""
    return ".".join(key if _BARE_KEY.match(key) else f'"{key}"' for key in path)


# ------------------------------------------------------------------------------------------ places

# One token of TOML, as far as finding keys needs it.
_TOKEN = re.compile(
    r'''(?P<text>"""(?:[^\\]|\\.)*?"{3,5}|\'\'\'.*?\'{3,5}|"(?:[^"\\\n]|\\.)*"|'[^'\n]*')'''
    r"|(?P<comment>#[^\n]*)|(?P<newline>\n)|(?P<open>[\[{])|(?P<close>[\]}])|(?P<equals>=)|(?P<dot>\.)"
    r"|(?P<blank>[ \t\r,]+)|(?P<bare>[^\s\"'#\[\]{}=.,]+)|(?P<other>.)",
    re.DOTALL,
)


@dataclass(slots=True)
class _Index:
    """Where the keys of a text are: key path -> (offset of the key, end of its value)."""

    spans: dict[KeyPath, tuple[int, int]] = field(default_factory=dict)
    table: KeyPath = ()
    key: list[str] = field(default_factory=list)
    start: int = -1
    depth: int = 0  # of brackets inside a value
    header: bool = False
    current: KeyPath | None = None  # whose value is being read

    def add(self, path: KeyPath, offset: int) -> None:
        for length in range(1, len(path) + 1):
            self.spans.setdefault(path[:length], (offset, offset))

    def end_line(self, end: int) -> None:
        if self.current is not None:
            self.spans[self.current] = (self.spans[self.current][0], end)
        self.current, self.header, self.start = None, False, -1
        self.key.clear()

    def in_key(self, kind: str, text: str, offset: int) -> None:
        """Take one token of a key, or of a table's name."""
        if kind in {"bare", "text"}:
            self.start = offset if self.start < 0 else self.start
            self.key.append(text[1:-1] if kind == "text" else text)
        elif kind == "open":
            self.header, self.start = True, offset if self.start < 0 else self.start
        elif kind == "close" and self.header and self.key:
            self.table = tuple(self.key)
            self.add(self.table, self.start)
            self.key.clear()
        elif kind == "equals" and self.key:
            self.current = (*self.table, *self.key)
            self.add(self.current, self.start)


@lru_cache(maxsize=2)
def _index(text: str) -> Mapping[KeyPath, tuple[int, int]]:
    index = _Index()
    for token in _TOKEN.finditer(text):
        kind = token.lastgroup or ""
        if kind == "newline" and index.depth == 0:
            index.end_line(token.start())
        elif index.current is None:
            # A bare key such as 1.5 reaches us as bare, dot, bare: the parts are what is wanted.
            index.in_key(kind, token[0], token.start())
        else:
            index.depth += (kind == "open") - (kind == "close")
    index.end_line(len(text))
    return index.spans


def locate(text: str, path: Sequence[str], needle: str = "") -> int | None:
    """Return the line (from 1) of a key or of its nearest parent; with ``needle``, that of the needle in its value."""
    spans = _index(text)
    for length in range(len(path), 0, -1):
        span = spans.get(tuple(path[:length]))
        if span is not None:
            found = text.find(needle, *span) if needle else -1
            return text.count("\n", 0, found if found >= 0 else span[0]) + 1
    return None


def place(text: str, file: str, path: Sequence[str], needle: str = "") -> str:
    """Return ``file, line N`` for a key of ``text``."""
    line = locate(text, path, needle)
    return f"{file}, line {line}" if line else file


# ----------------------------------------------------------------------------------------- getters

_KINDS: tuple[tuple[type, str], ...] = (
    (bool, "a boolean"),
    (int, "an integer"),
    (float, "a number"),
    (str, "a string"),
    (list, "a list"),
    (dict, "a table"),
)


def kind_of(value: object) -> str:
    """Name a TOML value's type in a message."""
    return next((name for kind, name in _KINDS if isinstance(value, kind)), "a date or time")


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A file being decoded: its text for places, and the problems found in it so far."""

    text: str
    file: str  # as messages name it: relative to the project's root
    problems: list[NivisError] = field(default_factory=list)

    def problem(
        self, path: Sequence[str], what: str, hint: str = "", *, needle: str = "", prefix: bool = False
    ) -> None:
        """Note a problem at a key; with ``prefix`` the key path becomes part of the place."""
        where = place(self.text, self.file, path, needle)
        self.problems.append(ManifestError(what, where=f"{where}: {dotted(path)}" if prefix else where, hint=hint))

    def finish(self) -> None:
        """Raise what was found."""
        raise_all(self.problems)


@dataclass(frozen=True, slots=True)
class Table:
    """Typed access to one table. A wrong value is noted and its default is used, so that decoding goes on."""

    source: Source
    path: KeyPath
    raw: Mapping[str, object]

    def problem(self, key: str, what: str, hint: str = "") -> None:
        """Note that the value of ``key`` is wrong: ``steps.train.cores <what>``."""
        path = (*self.path, key)
        self.source.problem(path, f"{dotted(path)} {what}", hint)

    def get(self, key: str, kind: type[T], wanted: str, default: T, hint: str = "") -> T:
        """Return the value of ``key`` if it is of ``kind``."""
        if key not in self.raw:
            return default
        value = self.raw[key]
        # bool is an int to Python, not to TOML; an integer is a fine number.
        if isinstance(value, kind) and (kind is bool or not isinstance(value, bool)):
            return value
        self.problem(key, f"must be {wanted}, but it is {kind_of(value)}", hint)
        return default

    def string(self, key: str, default: str = "") -> str:
        """Return a string."""
        return self.get(key, str, "a string", default, f'Write {key} = "…".')

    def boolean(self, key: str, default: bool) -> bool:
        """Return a boolean."""
        return self.get(key, bool, "true or false", default)

    def integer(self, key: str, default: int, *, least: int, most: int | None = None) -> int:
        """Return an integer between ``least`` and ``most``."""
        value = self.get(key, int, "an integer", default)
        if value < least or (most is not None and value > most):
            wanted = f"between {least} and {most}" if most is not None else f"{least} or more"
            self.problem(key, f"must be {wanted}, but it is {value}")
            return default
        return value

    def choice(self, key: str, known: Collection[str], default: str) -> str:
        """Return one of the known words."""
        value = self.string(key, default)
        if value not in known and key in self.raw and isinstance(self.raw[key], str):
            self.problem(key, f"is '{value}', which is not known", did_you_mean(value, known))
            return default
        return value

    def strings(self, key: str, example: str = "…") -> tuple[str, ...]:
        """Return a list of strings."""
        value = self.raw.get(key, [])
        hint = f'Write {key} = ["{example}"].'
        if not isinstance(value, list):
            self.problem(key, f"must be a list of strings, but it is {kind_of(value)}", hint)
            return ()
        wrong = next((item for item in value if not isinstance(item, str)), None)
        if wrong is not None:
            self.problem(key, f"must be a list of strings, but {kind_of(wrong)} is in it", hint)
            return ()
        return tuple(value)

    def table(self, key: str) -> Table:
        """Return a table; an empty one if it is missing."""
        value = self.raw.get(key, {})
        if not isinstance(value, dict):
            self.problem(
                key,
                f"must be a table, but it is {kind_of(value)}",
                f"Write [{dotted((*self.path, key))}] above its keys.",
            )
            value = {}
        return Table(self.source, (*self.path, key), value)

    def entries(self, key: str, decode: Callable[[str, Table], T | None]) -> dict[str, T]:
        """Decode every table below ``key`` by its name, leaving out those that cannot be decoded."""
        outer = self.table(key)
        decoded: dict[str, T] = {}
        for name, raw in outer.raw.items():
            inner = outer.table(name)  # notes the problem of a value that is no table
            value = decode(name, inner) if isinstance(raw, dict) else None
            if value is not None:
                decoded[name] = value
        return decoded

    def known(self, keys: Collection[str], later: Collection[str] = ()) -> None:
        """Note every key that is neither known nor planned; ``later`` are those of coming versions."""
        for key in self.raw:
            if key in later:
                self.problem(key, "is not supported by this version of nivis", "Remove it, or update nivis.")
            elif key not in keys:
                where = f"{dotted(self.path)}: " if self.path else ""
                self.source.problem((*self.path, key), f"{where}unknown key '{key}'", did_you_mean(key, keys))
