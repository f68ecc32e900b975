"""The instances of swept steps: every ``matrix`` of an experiment, expanded."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter

from nivis.errors import ManifestError, NivisError, did_you_mean
from nivis.manifest.matrix import PARAMETER
from nivis.manifest.model import Experiment, Foreach, Matrix, Step, Value, Values
from nivis.manifest.params import parameter_names
from nivis.plan.labels import label_of

Combination = dict[str, Value]
Params = Mapping[str, Value]
Problem = tuple[tuple[str, ...], str, NivisError]  # key path, text to look for, problem

MOST = 100_000  # instances of one step; more is a slip


@dataclass(frozen=True, slots=True, kw_only=True)
class Sweep:
    """The instances of one step, by label."""

    root: str  # the step whose matrix it is: all that are swept along with it share its labels
    instances: Mapping[str, Mapping[str, Value]]
    params: frozenset[tuple[str, ...]] = field(default_factory=frozenset)  # that its lists come from
    foreach: Foreach | None = None  # then the instances are known only when another step has run


def find_sweeps(experiment: Experiment, problems: list[Problem]) -> dict[str, Sweep]:
    """Return the sweeps of an experiment by step; what cannot be meant is noted, and its steps are left out."""
    sweeps: dict[str, Sweep] = {}
    for name in _order(experiment.steps, problems):
        step = experiment.steps[name]
        try:
            if step.foreach is not None:
                _check_source(step.foreach, name, experiment)
                sweeps[name] = Sweep(root=name, instances={}, foreach=step.foreach)
            elif isinstance(step.matrix, Matrix):
                sweeps[name] = expand(name, step.matrix, experiment.params)
            elif step.matrix is not None:
                _check_swept(step, step.matrix, experiment.steps)
                found = sweeps.get(step.matrix)  # else it has a problem of its own
                sweeps.update({} if found is None else {name: found})
        except ManifestError as error:
            problems.append((("steps", name, "foreach" if step.foreach else "matrix"), "", error))
    return sweeps


def _check_source(foreach: Foreach, name: str, experiment: Experiment) -> None:
    if (foreach.kind, foreach.source) == ("steps", name):
        what = f"step '{name}' cannot be fanned out over what it writes itself"
        raise ManifestError(what, hint="Let another step write the files or rows.")
    known = experiment.data if foreach.kind == "data" else [other for other in experiment.steps if other != name]
    if foreach.source not in known:
        what = "data set" if foreach.kind == "data" else "other step"
        declare = f"Declare it: [{foreach.kind}.{foreach.source}]."
        raise ManifestError(f"no {what} named '{foreach.source}'", hint=did_you_mean(foreach.source, known) or declare)


def _order(steps: Mapping[str, Step], problems: list[Problem]) -> Sequence[str]:
    """Return the steps' names, each after the one that it is swept along with."""
    along = {name: [step.matrix] if isinstance(step.matrix, str) else [] for name, step in steps.items()}
    try:
        return [name for name in TopologicalSorter(along).static_order() if name in steps]
    except CycleError as error:
        circle: list[str] = error.args[1]
        what = f"steps are swept along with one another in a circle: {' → '.join(circle)}"
        hint = "Give one of them a matrix of its own: { c = [0.1, 1.0] }."
        problems.append((("steps", circle[0], "matrix"), "", ManifestError(what, hint=hint)))
        return [name for name in steps if name not in circle]


def _check_swept(step: Step, along: str, steps: Mapping[str, Step]) -> None:
    if along not in steps:
        hint = did_you_mean(
            along, [name for name, other in steps.items() if _has_instances(other) and other is not step]
        )
        raise ManifestError(f"no step named '{along}'", hint=hint or "Write matrix = { c = [0.1, 1.0] }.")
    if not _has_instances(steps[along]):
        raise ManifestError(
            f"step '{along}' is not swept, so that nothing can be swept along with it",
            hint=f"Give '{along}' a matrix, or remove matrix from '{step.name}'.",
        )


def _has_instances(step: Step) -> bool:
    return step.matrix is not None or step.foreach is not None


def expand(name: str, matrix: Matrix, params: Params) -> Sweep:
    """Return the instances of step ``name``; raises ManifestError without a place."""
    axes = [{key: _values(key, values, params) for key, values in axis.items()} for axis in matrix.axes]
    for axis in axes:
        _check_lengths(axis)
    include = [_table("include", item) for item in _values("include", matrix.include, params, may_be_empty=True)]
    exclude = [_table("exclude", item) for item in _values("exclude", matrix.exclude, params, may_be_empty=True)]
    keys = [key for axis in axes for key in axis] or list(include[0] if include else ())
    _check_keys(keys, include, exclude)
    combinations = itertools.chain(
        (found for found in _product(axes) if not any(_holds(found, left_out) for left_out in exclude)),
        ({key: item[key] for key in keys} for item in include),
    )
    instances: dict[str, Combination] = {}
    for values in itertools.islice(combinations, MOST + 1):
        label = label_of(values)
        if label in instances:
            raise _collision(label, instances[label], values)
        instances[label] = values
    if not instances:
        raise ManifestError("leaves no instance: all are excluded", hint="Exclude fewer, or include one.")
    if len(instances) > MOST:
        raise ManifestError(f"has more than {MOST:,} instances", hint="Shorten a list, or zip two of them.")
    return Sweep(root=name, instances=dict(sorted(instances.items())), params=frozenset(_sources(matrix)))


def _product(axes: Sequence[Mapping[str, Sequence[Value]]]) -> Iterator[Combination]:
    if not axes:
        return
    rows = [[dict(zip(axis, row, strict=True)) for row in zip(*axis.values(), strict=True)] for axis in axes]
    for parts in itertools.product(*rows):
        yield {key: value for part in parts for key, value in part.items()}


def _holds(values: Combination, wanted: Combination) -> bool:
    # 1 and 1.0 are the same number; 1 and true are not the same value
    same = ((values[key], value) for key, value in wanted.items())
    return all(one == other and isinstance(one, bool) == isinstance(other, bool) for one, other in same)


def _values(key: str, values: Values, params: Params, *, may_be_empty: bool = False) -> Sequence[Value]:
    """Return a list's values, those of a list parameter if it is a reference."""
    if not isinstance(values, str):
        return values
    match = PARAMETER.match(values)
    path = match["path"] if match else ""
    found: Value | Params | None = params
    for part in path.split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    if found is None:
        hint = did_you_mean(path, parameter_names(params)) or f"Declare it: [params] {path} = [0.1, 1.0]."
        raise ManifestError(f"no parameter named '{path}'", hint=hint)
    if not isinstance(found, list):
        raise ManifestError(f"{key} must be a list, but {values} is none", hint=f"Write [params] {path} = [0.1, 1.0].")
    if not found and not may_be_empty:
        what = f"{key} is empty, so that there would be no instance: {values} is an empty list"
        raise ManifestError(what, hint=f"Write [params] {path} = [0.1, 1.0].")
    return found


def _table(key: str, item: Value) -> Combination:
    if isinstance(item, dict) and item:
        return item
    raise ManifestError(f"{key} must be a list of tables", hint=f"Write {key} = [{{ c = 5.0 }}].")


def _check_lengths(axis: Mapping[str, Sequence[Value]]) -> None:
    if len({len(values) for values in axis.values()}) > 1:
        shown = ", ".join(f"{key} has {len(values)}" for key, values in axis.items())
        raise ManifestError(
            f"zip needs lists of one length, but {shown}", hint="Make them equally long, or take zip away."
        )


def _check_keys(keys: Sequence[str], include: Sequence[Combination], exclude: Sequence[Combination]) -> None:
    twice = next((key for key in keys if keys.count(key) > 1), None)
    if twice:
        raise ManifestError(f"'{twice}' is in it twice, in zip and beside it", hint="Remove one.")
    for name, items in (("include", include), ("exclude", exclude)):
        for item in items:
            unknown = next((key for key in item if key not in keys), None)
            if unknown is not None:
                raise ManifestError(
                    f"{name} has '{unknown}', which the matrix has not", hint=did_you_mean(unknown, keys)
                )
    for item in include:
        missing = [key for key in keys if key not in item]
        if missing:
            hint = "An instance has a value for each name."
            raise ManifestError(f"include lacks {', '.join(missing)} in {_shown(item)}", hint=hint)


def _collision(label: str, first: Combination, second: Combination) -> ManifestError:
    if first == second:
        return ManifestError(f"gives the instance {label} twice", hint="Remove one of the two.")
    return ManifestError(
        f"gives two instances the name {label}: {_shown(first)} and {_shown(second)}", hint="Change one of them."
    )


def _shown(values: Combination) -> str:
    return "{ " + ", ".join(f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in values.items()) + " }"


def _sources(matrix: Matrix) -> Iterator[tuple[str, ...]]:
    lists = [values for axis in matrix.axes for values in axis.values()]
    for values in (*lists, matrix.include, matrix.exclude):
        match = PARAMETER.match(values) if isinstance(values, str) else None
        if match:
            yield tuple(match["path"].split("."))
