"""What a ready-made check says of a table: its rules, and what is wrong with them.

    rows = { at-least = 300, at-most = 400 }     # or their number
    columns = ["species", "year"]                # are there; or { species = "text", year = "integer" }; or:
    columns.bill = { type = "number", between = [20, 70], missing = 0.02 }
    columns.species = { one-of = ["Adelie", "Gentoo"], missing = 0 }
    columns.day = { newest = "2026-10-01" }      # the newest value is of that day or later
    columns.id = { unique = true }
    unique = ["station", "day"]                  # no two rows have the same values in these
    extra-columns = false                        # there are no others

A value may be ``"${params.low}"``, so rules are judged twice: as they are written, and by the plan with parameters.
Dates are text in ISO 8601 here; there is no clock: what is fresh is compared with a date that is written down.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime

from nivis.errors import did_you_mean
from nivis.manifest.matrix import PARAMETER
from nivis.manifest.model import Value
from nivis.manifest.toml import KeyPath, kind_of

Fault = tuple[KeyPath, str, str]  # key path below the check, what is wrong, next move
Rules = Mapping[str, Value]

RULES = ("rows", "columns", "unique", "extra-columns")
TYPES = ("text", "integer", "number", "boolean", "date", "datetime")
CONSTRAINTS = ("type", "at-least", "at-most", "between", "one-of", "unique", "missing", "newest")

# What the same thing is called elsewhere.
_MEANT = {
    "dtype": "type", "min": "at-least", "minimum": "at-least", "ge": "at-least", "max": "at-most", "maximum": "at-most",
    "le": "at-most", "range": "between", "in_range": "between", "enum": "one-of", "isin": "one-of", "values": "one-of",
    "accepted_values": "one-of", "allowed": "one-of", "freshness": "newest", "nullable": "missing",
    "required": "missing", "not-null": "missing", "not_null": "missing",
}  # fmt: skip
_COMPARED = {"number": "numbers", "text": "text", "boolean": "true and false", "date": "dates", "datetime": "times"}
# What values are compared with -> the types of columns that it makes sense for.
_FITTING = {
    "number": ("integer", "number"),
    "date": ("date", "datetime"),
    "datetime": ("datetime",),
    "text": ("text",),
    "boolean": ("boolean",),
}


def as_text(value: object) -> object:
    """Return a TOML value with dates as text, since JSON has none; a time with an offset is in UTC."""
    if isinstance(value, dict):
        return {key: as_text(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [as_text(inner) for inner in value]
    if isinstance(value, datetime) and value.tzinfo is not None:
        return value.astimezone(UTC).replace(tzinfo=None).isoformat()
    return value.isoformat() if isinstance(value, date) else value


def is_parameter(value: object) -> bool:
    """Tell whether a value is not known yet."""
    return isinstance(value, str) and PARAMETER.match(value) is not None


def faults(rules: Mapping[str, object]) -> Iterator[Fault]:
    """Yield what is wrong with rules; a parameter that stands for a value may be anything."""
    if "rows" in rules:
        yield from _rows(rules["rows"])
    yield from _columns(rules.get("columns", {}))
    unique = rules.get("unique", ["x"])
    if not is_parameter(unique) and not _is_list_of(unique, str):
        yield (
            ("unique",),
            f"must be a list of columns, but it is {kind_of(unique)}",
            'Write unique = ["station", "day"].',
        )
    extra = rules.get("extra-columns", True)
    if not is_parameter(extra) and not isinstance(extra, bool):
        yield ("extra-columns",), f"must be true or false, but it is {kind_of(extra)}", ""


def normalised(rules: Rules) -> dict[str, Value]:
    """Return rules without faults in the form that lib/check reads: each column's bounds and type are explicit."""
    found: dict[str, Value] = {}
    rows = rules.get("rows")
    if rows is not None:
        found["rows"] = dict(rows) if isinstance(rows, dict) else {"at-least": rows, "at-most": rows}
    columns = rules.get("columns", {})
    given = {str(name): {} for name in columns} if isinstance(columns, list) else columns
    assert isinstance(given, dict)
    found["columns"] = {name: _explicit(column) for name, column in given.items()}
    return found | {key: rules[key] for key in ("unique", "extra-columns") if key in rules}


def number_fault(value: object) -> str:
    """Return what is wrong with a bound that must be a number; nothing is if it is a parameter."""
    if is_parameter(value) or (_is_number(value) and math.isfinite(float(str(value)))):
        return ""
    return f"must be a finite number, but it is {value if isinstance(value, float) else kind_of(value)}"


# ------------------------------------------------------------------------------------------- rules


def _rows(rows: object) -> Iterator[Fault]:
    bounds = rows if isinstance(rows, dict) else {"": rows}
    for key, value in bounds.items():
        path = ("rows", key) if key else ("rows",)
        if key not in {"", "at-least", "at-most"}:
            yield path, f"unknown key '{key}'", did_you_mean(_MEANT.get(str(key), str(key)), ("at-least", "at-most"))
        elif not is_parameter(value) and (isinstance(value, bool) or not isinstance(value, int) or value < 0):
            shown = value if _is_number(value) else kind_of(value)
            yield path, f"must be a number of rows, but it is {shown}", "Write rows = { at-least = 100 }."
    if not bounds:
        yield ("rows",), "says nothing", "Write rows = { at-least = 100 }."


def _columns(columns: object) -> Iterator[Fault]:
    if isinstance(columns, list):
        if not _is_list_of(columns, str):
            yield ("columns",), "must be a list of names or a table", 'Write columns = ["species", "year"].'
        return
    if not isinstance(columns, dict):
        what = f"must be a list of names or a table, but it is {kind_of(columns)}"
        yield ("columns",), what, 'Write columns = ["species", "year"].'
        return
    for name, column in columns.items():
        yield from ((("columns", name, *path), what, hint) for path, what, hint in _column(column))


def _column(column: object) -> Iterator[Fault]:
    given = {"type": column} if isinstance(column, str) else column
    if not isinstance(given, dict):
        hint = 'Write { type = "number", between = [0, 1] }.'
        yield (), f"must be a type or a table, but it is {kind_of(column)}", hint
        return
    for key, value in given.items():
        path = () if isinstance(column, str) else (key,)
        if key not in CONSTRAINTS:
            yield path, f"unknown key '{key}'", did_you_mean(_MEANT.get(str(key), str(key)), CONSTRAINTS)
        elif not is_parameter(value):
            yield from ((path, *wrong) for wrong in _JUDGES[key](value))
    if "between" in given and {"at-least", "at-most"} & given.keys():
        yield ("between",), "stands beside at-least or at-most", "Keep one of them."
    yield from _types(given)


def _types(given: Mapping[str, object]) -> Iterator[Fault]:
    """Yield what is compared with values of another type than the column, or than the other keys say, has."""
    declared = given.get("type")
    seen: tuple[str, str] | None = None
    for key in ("at-least", "at-most", "between", "newest", "one-of"):
        kind = _compared(key, given[key]) if key in given else None
        if kind is None:
            continue
        if declared in TYPES and declared not in _FITTING[kind]:
            yield (key,), f"has {_COMPARED[kind]}, but the type of the column is '{declared}'", "Correct one of them."
        elif declared is None and seen and not set(_FITTING[kind]) & set(_FITTING[seen[1]]):
            yield (key,), f"has {_COMPARED[kind]}, but {seen[0]} has {_COMPARED[seen[1]]}", "Correct one of them."
        seen = seen or (key, kind)


def _explicit(column: Value) -> Value:
    """Return one column's constraints: ``between`` as two bounds, and the type that follows from what is compared."""
    given: dict[str, Value] = (
        {"type": column} if isinstance(column, str) else dict(column) if isinstance(column, dict) else {}
    )
    between = given.pop("between", None)
    if isinstance(between, list):
        given["at-least"], given["at-most"] = between
    if "type" not in given:
        kinds = [_compared(key, given[key]) for key in ("at-least", "at-most", "newest", "one-of") if key in given]
        # A column of times is as good as one of dates where only its order matters.
        implied = next((kind for kind in kinds if kind and kind != "text"), None)
        given |= {"type": "datetime" if implied == "date" else implied} if implied else {}
    return given


# ------------------------------------------------------------------------------------------ values

_Wrong = tuple[str, str]


def _judge_type(value: object) -> Iterator[_Wrong]:
    if value not in TYPES:
        shown = f"'{value}', which is not known" if isinstance(value, str) else kind_of(value)
        yield (
            f"is {shown}",
            did_you_mean(str(value), TYPES) if isinstance(value, str) else f"Known: {', '.join(TYPES)}.",
        )


def _judge_bound(value: object) -> Iterator[_Wrong]:
    if _scalar_kind(value) not in {"number", "date", "datetime"}:
        shown = f"'{value}'" if isinstance(value, str) else kind_of(value)
        yield f"must be a number or a date, but it is {shown}", "Write a date as 2026-11-20."


def _judge_between(value: object) -> Iterator[_Wrong]:
    hint = "Write between = [20, 70]."
    if not isinstance(value, list) or len(value) != 2:
        yield "must be a list of two bounds", hint
        return
    wrong = [fault for bound in value if not is_parameter(bound) for fault in _judge_bound(bound)]
    yield from wrong
    if wrong or any(is_parameter(bound) for bound in value):
        return
    if (_scalar_kind(value[0]) == "number") != (_scalar_kind(value[1]) == "number"):
        yield "has a number and a date", hint
    elif value[0] > value[1]:
        yield f"has its bounds in the wrong order: {value[0]} is more than {value[1]}", hint


def _judge_one_of(value: object) -> Iterator[_Wrong]:
    hint = 'Write one-of = ["Adelie", "Gentoo"].'
    if not isinstance(value, list) or not value:
        yield f"must be a list of values, but it is {'empty' if value == [] else kind_of(value)}", hint
    elif any(_simple_kind(item) is None for item in value):
        yield "must be a list of texts, numbers or booleans", hint
    elif len({_simple_kind(item) for item in value}) > 1:
        yield "has values of several kinds", "A column has one type: write all as text, or all as numbers."


def _judge_unique(value: object) -> Iterator[_Wrong]:
    if not isinstance(value, bool):
        yield f"must be true or false, but it is {kind_of(value)}", ""


def _judge_missing(value: object) -> Iterator[_Wrong]:
    if not _is_number(value):
        yield (
            f"must be the largest share of missing values, but it is {kind_of(value)}",
            "Write missing = 0 to allow none.",
        )
    elif not 0 <= float(str(value)) <= 1:
        hint = (
            f"Five per cent is 0.05: write missing = {float(str(value)) / 100:g}." if float(str(value)) <= 100 else ""
        )
        yield f"must be a share between 0 and 1, but it is {value}", hint


def _judge_newest(value: object) -> Iterator[_Wrong]:
    if _scalar_kind(value) not in {"date", "datetime"}:
        shown = f"'{value}'" if isinstance(value, str) else kind_of(value)
        hint = 'Write newest = "2026-11-20": a build has no clock, what is fresh is compared with that day.'
        yield f"must be a date, but it is {shown}", hint


_JUDGES = {
    "type": _judge_type, "at-least": _judge_bound, "at-most": _judge_bound, "between": _judge_between,
    "one-of": _judge_one_of, "unique": _judge_unique, "missing": _judge_missing, "newest": _judge_newest,
}  # fmt: skip


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_list_of(value: object, kind: type) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(item, kind) for item in value)


def _simple_kind(value: object) -> str | None:
    """Return what a value of a list is: one day among texts is text."""
    if isinstance(value, bool):
        return "boolean"
    return "number" if _is_number(value) else "text" if isinstance(value, str) else None


def _scalar_kind(value: object) -> str | None:
    """Return what a bound is."""
    if isinstance(value, str):
        for kind, read in (("date", date.fromisoformat), ("datetime", datetime.fromisoformat)):
            try:
                read(value)
            except ValueError:
                continue
            return kind
        return None
    return "number" if _is_number(value) and math.isfinite(float(str(value))) else None


def _compared(key: str, value: object) -> str | None:
    """Return the kind of what a key compares a column with; None where it is not known (yet)."""
    if not isinstance(value, list):
        return _scalar_kind(value)
    kinds = {_simple_kind(item) if key == "one-of" else _scalar_kind(item) for item in value if not is_parameter(item)}
    return "datetime" if kinds == {"date", "datetime"} else kinds.pop() if len(kinds) == 1 else None
