"""Read and write nivis.lock (lock/model.py says what is in it).

JSON with sorted keys. Objects and lists near the top are spread over lines, entries of long lists (packages,
wheels, data) take one line each, so that a diff shows what changed. ``data``, ``debs`` and ``roots`` end with an empty
entry: every real one ends with a comma then, and git joins the lines of branches that added some (``merge=union`` in
.gitattributes). What both added may stand there twice. Fields that are empty (None) are left out.
"""

from __future__ import annotations

import functools
import json
import re
import types
import typing
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

from nivis.errors import LockError
from nivis.lock.model import VERSION, Lock

NAME = "nivis.lock"
_CONFLICT = re.compile(r"^(?:<{7}|={7}|>{7})(?: |$)", re.MULTILINE)
_LAST = "~"  # sorts after every name
_JOINED = ("data", "debs", "roots")  # what branches add to
_SPREAD = 3  # levels of objects and lists whose entries stand on lines of their own


def dumps(lock: Lock) -> str:
    """Return the text of nivis.lock: the same for equal values."""
    plain = _plain(lock)
    joined = {key: {**plain[key], _LAST: None} for key in _JOINED}
    return _render({"version": VERSION, **plain, **joined}, 0) + "\n"


def loads(text: str, *, where: str = NAME) -> Lock:
    """Decode the text of nivis.lock; raise LockError with the place if it is not one that this version reads."""
    if conflict := _CONFLICT.search(text):
        line = text.count("\n", 0, conflict.start()) + 1
        raise LockError(
            "git left a merge conflict here",
            where=f"{where}:{line}",
            hint=f"Take one side (`git checkout --ours {where}`), then run `nivis lock`: it adds what is missing.",
        )
    try:
        raw = json.loads(text, object_pairs_hook=functools.partial(_unique, where))
    except json.JSONDecodeError as error:
        raise LockError(
            f"is not JSON ({error.msg[:1].lower()}{error.msg[1:]})",
            where=f"{where}:{error.lineno}:{error.colno}",
            hint=_restore(where),
        ) from None
    version = raw.get("version") if isinstance(raw, dict) else None
    if isinstance(version, int) and version > VERSION:
        raise LockError(
            f"made by a newer nivis (version {version} of the file, this nivis reads {VERSION})",
            where=where,
            hint="Update nivis.",
        )
    if version != VERSION:
        raise LockError("has no 'version' that nivis knows", where=where, hint=_restore(where))
    for key in _JOINED:
        if isinstance(raw.get(key), dict):
            raw[key].pop(_LAST, None)
    lock = _decode({key: value for key, value in raw.items() if key != "version"}, Lock, "", where)
    assert isinstance(lock, Lock)
    return lock


def _unique(where: str, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return an object; a key that stands in it with two values comes from branches that pinned different things."""
    found = dict(pairs)
    twice = next((key for key, value in pairs if found[key] != value), None) if len(found) < len(pairs) else None
    if twice is not None:
        raise LockError(
            f"'{twice}' stands in it twice: two branches pinned it differently",
            where=where,
            hint=f"Take one side (`git checkout --ours {where}`), then run `nivis lock`: it adds what is missing.",
        )
    return found


def read_lock(root: Path) -> Lock | None:
    """Return the project's lock, None if it has none."""
    try:
        return loads((root / NAME).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except UnicodeDecodeError:
        raise LockError("is not UTF-8 text", where=NAME, hint=_restore(NAME)) from None


def _restore(where: str) -> str:
    return f"Restore it (`git checkout {where}`), or delete it and run `nivis lock`."


def _plain(value: object) -> Any:
    if is_dataclass(value):
        pairs = ((field.name, getattr(value, field.name)) for field in fields(value))
        return {name: _plain(inner) for name, inner in pairs if inner is not None}
    if isinstance(value, Mapping):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, tuple):
        return [_plain(inner) for inner in value]
    return value


def _render(value: Any, depth: int) -> str:
    spread = depth < _SPREAD - (0 if isinstance(value, list) else 1)
    if not spread or not isinstance(value, dict | list) or not value:
        return json.dumps(value, sort_keys=True, ensure_ascii=False)
    indent = " " * (depth + 1)
    if isinstance(value, dict):
        entries = [
            f"{json.dumps(key, ensure_ascii=False)}: {_render(inner, depth + 1)}"
            for key, inner in sorted(value.items())
        ]
    else:
        entries = [_render(inner, depth + 1) for inner in value]
    opening, closing = "{}" if isinstance(value, dict) else "[]"
    return f"{opening}\n{indent}" + f",\n{indent}".join(entries) + f"\n{' ' * depth}{closing}"


def _decode(raw: Any, kind: Any, place: str, where: str) -> Any:
    """Return ``raw`` as a value of type ``kind``, as the fields of lock/model.py declare them."""
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if origin in (types.UnionType, typing.Union):
        return _decode(raw, next(part for part in inner if part is not type(None)), place, where)
    if origin is tuple and isinstance(raw, list):
        return tuple(_decode(entry, inner[0], f"{place}[{number}]", where) for number, entry in enumerate(raw))
    if isinstance(raw, dict) and is_dataclass(kind):
        return _decode_fields(raw, kind, place, where)
    if isinstance(raw, dict) and isinstance(origin, type) and issubclass(origin, Mapping):
        return {key: _decode(entry, inner[1], f"{place}['{key}']", where) for key, entry in raw.items()}
    if kind in (str, int) and isinstance(raw, kind) and not isinstance(raw, bool):
        return raw
    raise _fault("has the wrong type", place, where)


def _decode_fields(raw: dict[str, Any], kind: Any, place: str, where: str) -> Any:
    hints = typing.get_type_hints(kind)
    for key in raw:
        if key not in hints:
            raise _fault("is not known", f"{place}.{key}".lstrip("."), where)
    values = {
        name: _decode(raw[name], hint, f"{place}.{name}".lstrip("."), where)
        for name, hint in hints.items()
        if name in raw
    }
    optional = {name for name, hint in hints.items() if type(None) in typing.get_args(hint)}
    try:
        return kind(**{**dict.fromkeys(optional), **values})
    except TypeError:
        needed = ", ".join(f"'{field.name}'" for field in fields(kind) if field.name not in {*values, *optional})
        raise _fault(f"lacks one of {needed}", place, where) from None


def _fault(what: str, place: str, where: str) -> LockError:
    return LockError(what, where=f"{where}: {place}" if place else where, hint=_restore(where))
