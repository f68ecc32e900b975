"""A step's ``matrix``: which instances of it there are.

    matrix = { c = [0.1, 1.0], seed = [0, 1] }                 every combination
    matrix = { zip = { c = [0.1, 1.0], name = ["a", "b"] } }   the first of each, the second of each …
    matrix = { c = "${params.grid}", exclude = [{ c = 1.0 }], include = [{ c = 5.0 }] }
    matrix = "train"                                           one instance for each of train

A list may be a reference to a list parameter: it stays as it is written, since profiles set parameters otherwise.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from nivis.manifest.model import Matrix, Values
from nivis.manifest.names import NAME_RULE, is_name
from nivis.manifest.params import check_value
from nivis.manifest.toml import Table, kind_of

PARAMETER = re.compile(r"\$\{params\.(?P<path>[^}\s]+)\}\Z")

_EXAMPLE = "Write matrix = { c = [0.1, 1.0] }."


def decode_matrix(step: Table) -> Matrix | str | None:
    """Decode the key ``matrix`` of a step's table; None if there is none."""
    raw = step.raw.get("matrix")
    if raw is None:
        return None
    if isinstance(raw, str):
        if is_name(raw):
            return raw
        step.problem("matrix", f"is '{raw}', which is not the name of a step", f'{_EXAMPLE[:-1]}, or matrix = "train".')
        return None
    if not isinstance(raw, dict):
        step.problem("matrix", f"must be a table of lists, or a step's name, but it is {kind_of(raw)}", _EXAMPLE)
        return None
    table = step.table("matrix")
    axes = [_axis(table, key) for key in raw if key not in {"include", "exclude"}]
    matrix = Matrix(
        axes=tuple(axis for axis in axes if axis),
        include=_tables(table, "include"),
        exclude=_tables(table, "exclude"),
    )
    if not matrix.axes and not matrix.include and not step.source.problems:
        step.problem("matrix", "is empty", _EXAMPLE)
    return matrix


def _axis(table: Table, key: str) -> Mapping[str, Values]:
    if key != "zip":
        return _named(table, key)
    zipped = table.table("zip")
    axis: dict[str, Values] = {}
    for inner in zipped.raw:
        axis.update(_named(zipped, inner))
    lengths = {name: len(values) for name, values in axis.items() if not isinstance(values, str)}
    if len(set(lengths.values())) > 1:
        shown = ", ".join(f"{name} has {length}" for name, length in lengths.items())
        table.problem("zip", f"needs lists of one length, but {shown}", "Make them equally long, or take zip away.")
    return axis


def _named(table: Table, key: str) -> Mapping[str, Values]:
    if not is_name(key):
        table.problem(key, "cannot be the name of a value", NAME_RULE)
        return {}
    values = _list(table, key, f"Write {key} = [0.1, 1.0].")
    if values == ():
        table.problem(key, "is empty, so that there would be no instance", f"Write {key} = [0.1, 1.0].")
    return {} if values is None else {key: values}


def _list(table: Table, key: str, hint: str) -> Values | None:
    """Return a list's values, or the reference that stands for it; None if it is something else (which is noted)."""
    raw = table.raw[key]
    if isinstance(raw, str) and PARAMETER.match(raw):
        return raw
    if not isinstance(raw, list):
        table.problem(key, f"must be a list or a list parameter, but it is {kind_of(raw)}", hint)
        return None
    return tuple(check_value(value, (*table.path, key), table.source) for value in raw)


def _tables(table: Table, key: str) -> Values:
    if key not in table.raw:
        return ()
    hint = f"Write {key} = [{{ c = 5.0 }}]."
    values = _list(table, key, hint)
    if values is None:
        return ()
    wrong = () if isinstance(values, str) else [value for value in values if not isinstance(value, dict) or not value]
    if wrong:
        table.problem(key, f"must be a list of tables, but {kind_of(wrong[0])} is in it", hint)
        return ()
    return values
