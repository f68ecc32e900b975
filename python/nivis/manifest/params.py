"""Parameters: [params], the profiles that set some of them otherwise, and what the command line sets."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from hashlib import sha256
from json import dumps

from nivis.errors import NivisError, UsageError, did_you_mean, raise_all
from nivis.manifest.model import Experiment, Value
from nivis.manifest.names import NAME_RULE, is_name
from nivis.manifest.toml import KeyPath, Source, Table, dotted, kind_of

Params = Mapping[str, Value]


def decode_params(table: Table) -> Params:
    """Decode [params]: nested tables of what JSON can say exactly."""
    return {key: check_value(value, (*table.path, key), table.source) for key, value in table.raw.items()}


def decode_profiles(table: Table, params: Params) -> Mapping[str, Params]:
    """Decode [profiles]: by name, what each sets instead of [params]."""
    profiles: dict[str, Params] = {}
    for name, raw in table.raw.items():
        profile = table.table(name)
        if not is_name(name):
            table.source.problem(profile.path, f"'{name}' cannot be the name of a profile", NAME_RULE)
        if isinstance(raw, dict):
            profiles[name] = decode_params(profile)
            for path, what, hint in misfits(params, profiles[name]):
                table.source.problem((*profile.path, *path), f"{dotted(profile.path)}: {what}", hint)
    return profiles


def check_value(value: object, path: KeyPath, source: Source) -> Value:
    """Return one value; what JSON cannot say exactly becomes a problem of ``source``."""
    if isinstance(value, dict):
        return {key: check_value(item, (*path, key), source) for key, item in value.items()}
    if isinstance(value, list):
        return [check_value(item, path, source) for item in value]
    found = _fault(value)
    if found is not None:
        source.problem(path, f"{dotted(path)} {found[0]}", found[1])
    return value if isinstance(value, str | bool | int | float) else ""


def _fault(value: object) -> tuple[str, str] | None:
    """Return what is wrong with a value that is no list or table, and the next move."""
    if isinstance(value, str):
        fault = ("contains a NUL character", "Remove it: programs cannot be given one.")
        return fault if "\0" in value else None
    if isinstance(value, int):
        return None if -(2**63) <= value < 2**63 else ("does not fit into 64 bits", "Write it in quotes.")
    if isinstance(value, float):
        fault = (f"must be a finite number, but it is {value}", "Write it in quotes.")
        return None if math.isfinite(value) else fault
    what = f"must be text, a number, a boolean, a list or a table, but it is {kind_of(value)}"
    return what, "Write it in quotes."


def overridden(params: Params, overrides: Params) -> dict[str, Value]:
    """Return ``params`` with the values of ``overrides``; tables are merged, everything else is replaced."""
    merged = dict(params)
    for key, value in overrides.items():
        old = merged.get(key)
        merged[key] = overridden(old, value) if isinstance(old, dict) and isinstance(value, dict) else value
    return merged


def misfits(params: Params, overrides: Params) -> Iterator[tuple[KeyPath, str, str]]:
    """Yield (key path, what is wrong, next move) for overrides of what is no parameter."""
    for path, value in _leaves(overrides):
        name, known = ".".join(path), _at(params, path)
        if known is None:
            hint = did_you_mean(name, parameter_names(params)) or f"Declare it: [params] {name} = …"
            yield path, f"no parameter named '{name}'", hint
        elif isinstance(known, dict) and not isinstance(value, dict):
            names = ", ".join(f"{name}.{inner}" for inner in parameter_names(known))
            yield path, f"'{name}' is a table in [params]", f"Set what is in it: {names or 'nothing'}."


def _at(params: Params, path: KeyPath) -> Value | None:
    value: Value | Params | None = params
    for key in path:
        value = value.get(key) if isinstance(value, dict | Mapping) else None
    return dict(value) if isinstance(value, Mapping) else value


def _leaves(params: Params, above: KeyPath = ()) -> Iterator[tuple[KeyPath, Value]]:
    for key, value in params.items():
        if isinstance(value, dict) and value:
            yield from _leaves(value, (*above, key))
        else:
            yield (*above, key), value


def parameter_names(params: Params) -> list[str]:
    """Return the dotted names of all values."""
    return [".".join(path) for path, _ in _leaves(params)]


# ---------------------------------------------------------------------------------------- variants


def with_profile(experiment: Experiment, name: str) -> Experiment:
    """Return the experiment with the parameters of one of its profiles; raises UsageError."""
    if name not in experiment.profiles:
        hint = did_you_mean(name, experiment.profiles) or f"Declare it in {experiment.manifest}: [profiles.{name}]."
        raise UsageError(f"'{experiment.name}' has no profile named '{name}'", where="--profile", hint=hint)
    overrides = experiment.profiles[name]
    return replace(experiment, params=overridden(experiment.params, overrides), profile=name, overrides=dict(overrides))


def variants(experiment: Experiment) -> list[Experiment]:
    """Return the experiment itself, and with each of its profiles."""
    return [experiment, *(with_profile(experiment, name) for name in experiment.profiles)]


def with_overrides(experiment: Experiment, overrides: Params) -> Experiment:
    """Return the experiment with parameters that are written down nowhere; raises UsageError."""
    problems = [UsageError(what, where="-P", hint=hint) for _, what, hint in misfits(experiment.params, overrides)]
    raise_all(problems)
    merged = overridden(experiment.overrides, overrides)
    digest = sha256(dumps(overrides, sort_keys=True, ensure_ascii=False).encode()).hexdigest()
    params = overridden(experiment.params, overrides)
    return replace(experiment, params=params, overrides=merged, suffix=digest[:8])


def parse_overrides(texts: Sequence[str]) -> Params:
    """Read ``model.c=3`` and the like: a parameter, and a TOML value or else text; raises UsageError."""
    problems: list[NivisError] = []
    overrides: dict[str, Value] = {}
    for text in texts:
        name, equals, written = text.partition("=")
        path = tuple(part.strip() for part in name.split("."))
        if not equals or not all(path):
            problems.append(UsageError(f"'{text}' sets nothing", where="-P", hint="Write -P model.c=3."))
            continue
        value = _toml_value(written)
        faults = [fault for _, item in _leaves({"": value}) for fault in [_first_fault(item)] if fault]
        problems += [UsageError(f"'{name}' {what}", where="-P", hint=hint) for what, hint in faults]
        nested: Value = value
        for key in reversed(path):
            nested = {key: nested}
        assert isinstance(nested, dict)
        overrides = overridden(overrides, nested)
    raise_all(problems)
    return overrides


def _toml_value(text: str) -> Value:
    try:
        table = tomllib.loads(f"value = {text}")
    except tomllib.TOMLDecodeError:
        return text
    value: Value = table["value"]
    return text if len(table) > 1 or _is_date(value) else value


def _is_date(value: object) -> bool:
    return not isinstance(value, str | int | float | list | dict)


def _first_fault(value: Value) -> tuple[str, str] | None:
    if isinstance(value, list | dict):
        items = value if isinstance(value, list) else list(value.values())
        return next((fault for fault in map(_first_fault, items) if fault), None)
    return _fault(value)
