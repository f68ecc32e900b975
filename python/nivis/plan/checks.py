"""Plan checks: what each tests, by which rules, and which steps wait for it.

    "checks": {name: {"why", "fix", "severity", "data": [name], "steps": [name], …}}    and one of
        what a step has                                                        a command
        "table": {"data" | "step": name, "path": below it}, "rules": text       rules for a table
        "metric": {"step": name, "label"?, "key": dotted}, "rules": text        bounds for a metric
    "steps": {name: {…, "guards": [check]}}

``"guards"`` are in plan/guards.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nivis.errors import ManifestError, NivisError, did_you_mean
from nivis.manifest.matrix import PARAMETER
from nivis.manifest.model import Check, Experiment, MetricTest, Step, TableTest, Value
from nivis.manifest.rules import faults, normalised, number_fault
from nivis.plan.guards import Plans, keep_secrets
from nivis.plan.matrix import Problem
from nivis.plan.references import Reference, Rendered, Scope, parse
from nivis.plan.resolve import lookup, resolve, value_of
from nivis.plan.steps import Planned, StepPlanner, canonical

_ENDS = {
    ".csv": "csv", ".csv.gz": "csv", ".tsv": "tsv", ".tsv.gz": "tsv", ".json": "json", ".jsonl": "jsonl",
    ".ndjson": "jsonl", ".parquet": "parquet",
}  # fmt: skip


def plan_checks(
    experiment: Experiment, planner: StepPlanner, steps: Plans, data: Mapping[str, Any], problems: list[Problem]
) -> dict[str, Planned]:
    """Return the plan's ``checks``; what cannot be meant is noted."""
    checks: dict[str, Planned] = {}
    for name, check in sorted(experiment.checks.items()):
        planned = _test(check, planner, experiment, data, problems)
        checks[name] = {"why": check.why, "fix": check.fix, "severity": check.severity, **planned}
    if not problems:
        keep_secrets(experiment, checks, steps)
    return checks


# ------------------------------------------------------------------------------------------- tests


def _test(
    check: Check, planner: StepPlanner, experiment: Experiment, data: Mapping[str, Any], problems: list[Problem]
) -> Planned:
    scope = Scope(
        step=f"checks.{check.name}",
        steps=experiment.steps,
        data=experiment.data,
        params=experiment.params,
        sweeps=planner.sweeps,
    )
    if isinstance(check.test, Step):
        return _command(check.name, check.test, planner, problems)
    if isinstance(check.test, MetricTest):
        return _metric(check.name, check.test, scope, experiment, problems)
    return _table(check.name, check.test, scope, data, problems)


def _command(name: str, step: Step, planner: StepPlanner, problems: list[Problem]) -> Planned:
    """Plan a command as a step; its problems stand below [checks]."""
    texts = [step.run] if isinstance(step.run, str) else step.run
    swept = [p for text in texts for p in parse(text) if isinstance(p, Reference) and p.kind in {"matrix", "item"}]
    if swept:
        what = f"{swept[0].text} cannot stand in a check: it is one for all instances"
        hint = "Refer to ${steps.NAME}: it stands for the folders of all of them."
        problems.append((("checks", name, "run"), swept[0].text, ManifestError(what, hint=hint)))
        return {"data": [], "steps": []}
    before = len(problems)
    planned = planner.plan(step)
    problems[before:] = [(("checks", name, *path[2:]), needle, error) for path, needle, error in problems[before:]]
    return planned


def _metric(name: str, test: MetricTest, scope: Scope, experiment: Experiment, problems: list[Problem]) -> Planned:
    found: list[tuple[str, NivisError]] = []
    bounds = {key: _resolved(value, scope.params, found) for key, value in test.bounds.items()}
    problems += [(("checks", name, _key_of(test.bounds, needle)), needle, error) for needle, error in found]
    for key, value in bounds.items():
        if not found and (fault := number_fault(value)):
            problems.append((("checks", name, key), "", ManifestError(fault)))
    try:
        metric = _named_metric(test.metric, scope, experiment)
    except ManifestError as error:
        problems.append((("checks", name, "metric"), "", error))
        return {"data": [], "steps": []}
    return {"data": [], "steps": [metric["step"]], "metric": metric, "rules": canonical(bounds)}


def _key_of(bounds: Mapping[str, Value], needle: str) -> str:
    return next((key for key, value in bounds.items() if value == needle), "metric")


def _named_metric(metric: str, scope: Scope, experiment: Experiment) -> dict[str, str]:
    """Split ``train.accuracy`` or ``train@c=0.1.accuracy``: a label may have dots."""
    head, dot, key = metric.partition(".")
    step, at, _ = head.partition("@")
    if step not in experiment.steps:
        raise ManifestError(f"no step named '{step}'", hint=did_you_mean(step, experiment.steps))
    if not experiment.steps[step].metrics:
        hint = f'Write metrics = ["metrics.json"] under [steps.{step}].'
        raise ManifestError(f"cannot be had: step '{step}' lists no metrics", hint=hint)
    if not at:
        return {"step": step, "key": key}
    after = metric.removeprefix(f"{step}@")
    sweep = scope.sweeps.get(step)
    if sweep is not None and sweep.foreach is not None:
        hint = f"Write {step}.{key.rpartition('.')[2]}: it is every instance's."
        raise ManifestError(f"what instances step '{step}' has is known only when it runs", hint=hint)
    labels = list(sweep.instances) if sweep else []
    if not labels:
        raise ManifestError(f"step '{step}' is not swept: it has no instances", hint=f"Write {step}.{key}.")
    fitting = [label for label in labels if after.startswith(f"{label}.") and after != f"{label}."]
    if not fitting:
        last = after.rpartition(".")[2] if dot else "accuracy"
        label = after.removesuffix(f".{last}")
        hint = did_you_mean(f"{step}@{label}.{last}", [f"{step}@{known}.{last}" for known in labels])
        raise ManifestError(f"step '{step}' has no instance '{label}'", hint=hint)
    chosen = max(fitting, key=len)
    return {"step": step, "label": chosen, "key": after.removeprefix(f"{chosen}.")}


def _table(name: str, test: TableTest, scope: Scope, data: Mapping[str, Any], problems: list[Problem]) -> Planned:
    found: list[tuple[str, NivisError]] = []
    rules = {key: _resolved(value, scope.params, found) for key, value in test.rules.items()}
    problems += [(("checks", name, _rule_of(test.rules, needle)), needle, error) for needle, error in found]
    if not found:
        problems += [
            (("checks", name, *path), "", ManifestError(what, hint=hint)) for path, what, hint in faults(rules)
        ]
    try:
        kind, thing, path = _place(test, scope)
        format_ = test.format or _format(path or _whole(thing, data.get(thing, {})))
    except ManifestError as error:
        problems.append((("checks", name, test.key), "", error))
        return {"data": [], "steps": []}
    reading: dict[str, Any] = {"format": format_}
    reading |= {"separator": test.separator} if test.separator else {}
    reading |= {"na-values": list(test.na_values)} if test.na_values is not None else {}
    return {
        "data": [thing] if kind == "data" else [],
        "steps": [thing] if kind == "step" else [],
        "table": {kind: thing, "path": path},
        "rules": "{}" if problems else canonical({**reading, **normalised(rules)}),
    }


def _rule_of(rules: Mapping[str, Value], needle: str) -> str:
    return next((key for key, value in rules.items() if needle in canonical(value)), "columns")


def _place(test: TableTest, scope: Scope) -> tuple[str, str, str]:
    """Return what a table is of ("data" or "step" and its name) and its path below that."""
    pieces = parse(test.table)
    first = pieces[0] if pieces else ""
    if not isinstance(first, Reference) or first.kind not in {"data", "steps"}:
        hint = "Write ${data.NAME} or ${steps.NAME}/FILE; a file of the project is declared under [data]."
        raise ManifestError(f"'{test.table}' does not begin with a data set or a step", hint=hint)
    texts = []
    for piece in pieces[1:]:
        if isinstance(piece, Reference) and piece.kind != "params":
            raise ManifestError(f"{piece.text} cannot stand here: only parameters can", hint="Name one table.")
        texts.append(piece if isinstance(piece, str) else value_of(piece, scope.params))
    rendered = Rendered()
    [fragment] = resolve(first, scope, rendered) or [{}]
    if rendered.problems:
        error = rendered.problems[0][1]
        raise ManifestError(error.what, hint=error.hint)
    assert isinstance(fragment, dict)
    [(kind, thing)] = fragment.items()
    path = "".join(text if isinstance(text, str) else " ".join(text) for text in texts)
    parts = path.strip("/").split("/")
    if (path and not path.startswith("/")) or ".." in parts:
        raise ManifestError(f"'{test.table}' is not a path below {first.text}", hint=f"Write {first.text}/FILE.")
    if kind == "step" and not path.strip("/"):
        raise ManifestError(f"{first.text} is a folder", hint=f"A file below it is written {first.text}/table.csv.")
    return kind, str(thing), path.strip("/")


def _whole(name: str, data: Mapping[str, Any]) -> str:
    """Return the file that a data set is."""
    if "tree" in data:
        hint = f'A file below it is written table = "${{data.{name}}}/table.csv".'
        raise ManifestError(f"data set '{name}' is a folder", hint=hint)
    return str(data.get("name", ""))


def _format(file: str) -> str:
    """Return what a file's name says of its format."""
    found = next((format_ for end, format_ in _ENDS.items() if file.lower().endswith(end)), None)
    if found is None:
        what = f"the name '{file}' does not say which format it has"
        raise ManifestError(what, hint=f'Write format = "csv" (known: {", ".join(dict.fromkeys(_ENDS.values()))}).')
    return found


def _resolved(value: Any, params: Mapping[str, Value], found: list[tuple[str, NivisError]]) -> Any:
    """Return a rule with its parameters' values; what is none is noted with the text to look for."""
    if isinstance(value, dict):
        return {key: _resolved(inner, params, found) for key, inner in value.items()}
    if isinstance(value, list):
        return [_resolved(inner, params, found) for inner in value]
    if not isinstance(value, str) or "${" not in value:
        return value
    match = PARAMETER.match(value)
    if match is None:
        error = ManifestError(
            f"'{value}' cannot stand here: only a parameter by itself can", hint='Write "${params.x}".'
        )
        found.append((value, error))
        return value
    known = lookup(match["path"], params)
    if known is not None:
        return known
    try:
        value_of(Reference(text=value, kind="params", path=match["path"]), params)
    except ManifestError as error:
        found.append((value, error))
    return value
