"""Decode [checks.NAME]: an assumption about data or about what a step wrote, and how it is tested.

why, fix, severity = "block" | "warn"
run = "python check.py ${data.penguins}"        a command, with the keys of a step's; it holds if that ends with 0
data = "penguins"  or  table = "${steps.clean}/clean.csv"     rules for a table (manifest/rules.py)
metric = "train.accuracy", at-least = 0.9                     a floor or a ceiling for a metric
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from nivis.manifest.model import Check, MetricTest, Step, TableTest
from nivis.manifest.names import NAME_RULE, is_name
from nivis.manifest.rules import RULES, as_text, faults, number_fault
from nivis.manifest.toml import Table, dotted

SEVERITIES = ("block", "warn")
FORMATS = ("csv", "tsv", "json", "jsonl", "parquet")

_ABOUT = ("why", "fix", "severity")
_READING = ("format", "separator", "na-values")
_BOUNDS = ("at-least", "at-most")
# What is tested -> the keys that say how.
_OWN = {
    "run": ("sources", "env", "cores", "memory", "gpus", "locks", "timeout", "retries"),
    "data": (*RULES, *_READING),
    "table": (*RULES, *_READING),
    "metric": _BOUNDS,
}
_KNOWN = tuple(dict.fromkeys([*_ABOUT, *_OWN, *(key for keys in _OWN.values() for key in keys)]))


def decode_check(name: str, table: Table, command: Callable[[str, Table], Step | None]) -> Check | None:
    """Decode one check; ``command`` decodes the keys that a command has in common with a step's."""
    table.known(_KNOWN)
    if not is_name(name):
        table.source.problem(table.path, f"'{name}' cannot be the name of a check", NAME_RULE)
        return None
    given = [key for key in _OWN if key in table.raw]
    if len(given) != 1:
        found = f"but it has {' and '.join(given)}" if given else "but it has none of them"
        hint = 'Write run = "python check.py ${data.x}", data = "x" or metric = "train.accuracy".'
        what = f"{dotted(table.path)} must have one of run, data, table or metric, {found}"
        table.source.problem(table.path, what, hint)
        return None
    kind = given[0]
    _refuse_others(kind, table)
    why, fix = _said(table, "why", _WHY), _said(table, "fix", _FIX)
    test = _test(kind, name, table, command)
    severity = table.choice("severity", SEVERITIES, "block")
    return None if test is None else Check(name=name, why=why, fix=fix, severity=severity, test=test)


_WHY = "Say what is assumed and why it matters: the message of a check that does not hold begins with it."
_FIX = "Say what to do where it does not hold: the message ends with it."


def _said(table: Table, key: str, hint: str) -> str:
    text = table.string(key)
    if not text.strip() and isinstance(table.raw.get(key, ""), str):
        what = "is empty" if key in table.raw else "is missing"
        table.source.problem((*table.path, key), f"{dotted((*table.path, key))} {what}", hint)
    return text.strip()


def _refuse_others(kind: str, table: Table) -> None:
    """Note keys that belong to another kind of check."""
    for key in table.raw:
        owners = [owner for owner, keys in _OWN.items() if key in keys]
        if owners and kind not in owners:
            what = f"belongs to {' and '.join(owners)}, not to {kind}"
            table.problem(key, what, "Remove it, or make a check of its own of it.")


def _test(
    kind: str, name: str, table: Table, command: Callable[[str, Table], Step | None]
) -> Step | TableTest | MetricTest | None:
    if kind == "run":
        own = {key: value for key, value in table.raw.items() if key in ("run", *_OWN["run"])}
        step = command(name, Table(table.source, table.path, own))
        return None if step is None else replace(step, name=f"checks.{name}")
    return _metric(table) if kind == "metric" else _table(kind, table)


def _metric(table: Table) -> MetricTest | None:
    metric = table.string("metric")
    step, _, key = metric.partition(".")
    if not (step and key) and isinstance(table.raw["metric"], str):
        table.problem("metric", f"must be step.key, but it is '{metric}'", 'Write metric = "train.accuracy".')
    bounds: dict[str, Any] = {bound: table.raw[bound] for bound in _BOUNDS if bound in table.raw}
    for bound, value in bounds.items():
        if fault := number_fault(value):
            table.problem(bound, fault)
    if not bounds:
        table.problem("metric", "has nothing to be compared with", "Write at-least = 0.9 (or at-most) below it.")
    return MetricTest(metric=metric, bounds=bounds) if step and key else None


def _table(kind: str, table: Table) -> TableTest | None:
    written = table.string(kind)
    rules: Mapping[str, Any] = {key: as_text(table.raw[key]) for key in RULES if key in table.raw}
    for path, what, hint in faults(rules):
        unknown = what.startswith("unknown key")
        place = dotted((*table.path, *(path[:-1] if unknown else path)))
        table.source.problem((*table.path, *path), f"{place}{':' if unknown else ''} {what}", hint)
    if not rules:
        hint = 'Write columns = ["species"], rows = { at-least = 100 } or the like.'
        table.source.problem(table.path, f"{dotted(table.path)} says nothing about its table", hint)
    separator = table.string("separator")
    if len(separator.encode()) > 1:
        table.problem("separator", f"must be one character, but it is '{separator}'", 'Write separator = ";".')
    if not written:
        if isinstance(table.raw[kind], str):
            table.problem(kind, "is empty", 'Write data = "penguins" or table = "${steps.clean}/clean.csv".')
        return None
    return TableTest(
        key=kind,
        table=written if kind == "table" or written.startswith("${") else f"${{data.{written}}}",
        rules=rules,
        format=table.choice("format", FORMATS, ""),
        separator=separator,
        na_values=table.strings("na-values", "-999") if "na-values" in table.raw else None,
    )
