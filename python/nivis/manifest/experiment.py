"""Decode experiment.toml into an ``Experiment``.

The format is described in docs/manifest.md. References such as ``${steps.clean}`` stay as they are
written: the plan resolves them. Every independent problem of the file is found before any is raised.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from pathlib import PurePosixPath

from nivis.errors import did_you_mean
from nivis.manifest.checks import decode_check
from nivis.manifest.foreach import decode_foreach
from nivis.manifest.limits import decode_locks, decode_memory, decode_retries, decode_timeout
from nivis.manifest.matrix import decode_matrix
from nivis.manifest.model import Data, Experiment, Step
from nivis.manifest.names import NAME_RULE, is_name
from nivis.manifest.origin import decode_origin
from nivis.manifest.params import decode_params, decode_profiles
from nivis.manifest.toml import Source, Table, dotted, kind_of, parse

STATUSES = ("idea", "running", "done", "abandoned")
RECORDS = (".json", ".yaml", ".yml", ".toml")  # formats of metrics

_DATE = re.compile(r"\d{4}-?\d{2}-?\d{2}[-_](?=.)")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_PACKAGE = re.compile(r"[A-Za-z0-9][A-Za-z0-9+._-]*\Z")
_SHA256 = re.compile(r"[0-9a-f]{64}\Z")

_TOP = ("experiment", "params", "profiles", "data", "steps", "checks", "report")
_ABOUT = ("name", "title", "question", "goal", "trl", "status", "conclusion", "tags")
_DATA = ("path", "url", "pypi", "npm", "file", "sha256", "description", "license", "sensitive")
_LIMITS = ("cores", "memory", "gpus", "locks", "timeout", "retries")
_STEP = ("run", "outputs", "metrics", "plots", "sources", "env", "tools", "matrix", "foreach", *_LIMITS)


def name_from_folder(folder: PurePosixPath) -> str:
    """Return the name of a folder's experiment: without a leading date (``2026-11-20-penguins`` → ``penguins``)."""
    return _DATE.sub("", folder.name, count=1)


def decode_experiment(text: str, folder: PurePosixPath) -> Experiment:
    """Decode the manifest of ``folder`` (relative to the project's root).

    Raises ManifestError, or Problems if there are several.
    """
    file = str(folder / "experiment.toml")
    source = Source(text=text, file=file)
    top = Table(source, (), parse(text, file))
    top.known(_TOP)
    about = top.table("experiment")
    about.known(_ABOUT)
    steps = top.entries("steps", _step)
    params = decode_params(top.table("params"))
    experiment = Experiment(
        name=_name(about, folder),
        folder=folder,
        title=about.string("title"),
        question=about.string("question"),
        goal=_goal(about, steps),
        trl=about.integer("trl", 1, least=1, most=9) if "trl" in about.raw else None,
        status=about.choice("status", STATUSES, "running"),
        conclusion=about.string("conclusion"),
        tags=about.strings("tags", "classification"),
        params=params,
        profiles=decode_profiles(top.table("profiles"), params),
        data=top.entries("data", _data),
        steps=steps,
        checks=top.entries("checks", lambda name, table: decode_check(name, table, _step)),
        report=top.table("report").raw if "report" in top.raw else None,
    )
    source.finish()
    return experiment


# -------------------------------------------------------------------------------------- experiment


def _name(about: Table, folder: PurePosixPath) -> str:
    name = about.string("name", name_from_folder(folder))
    if not is_name(name):
        if "name" in about.raw:
            about.problem("name", f"'{name}' is not a name", NAME_RULE)
        else:
            about.source.problem(
                ("experiment",),
                f"the folder's name '{name}' is not a name for an experiment",
                f"{NAME_RULE} Rename the folder, or set name under [experiment].",
            )
    return name


def _goal(about: Table, steps: Mapping[str, Step]) -> Mapping[str, object] | None:
    """Decode ``goal = { metric = "train.accuracy", at-least = 0.95 }``."""
    if "goal" not in about.raw:
        return None
    goal = about.table("goal")
    if not isinstance(about.raw["goal"], dict):
        return None
    goal.known(("metric", "at-least", "at-most"))
    metric = goal.string("metric")
    step, _, key = metric.partition(".")
    if "metric" not in goal.raw or (not (step and key) and isinstance(goal.raw["metric"], str)):
        goal.problem(
            "metric",
            f"must be step.key, but it is '{metric}'" if metric else "is missing",
            'Write metric = "train.accuracy".',
        )
    # An idea may state its goal before it has steps.
    elif key and steps and step not in steps:
        goal.problem("metric", f"names no step: there is no step '{step}'", did_you_mean(step, steps))
    elif key and step in steps and not steps[step].metrics:
        goal.problem(
            "metric",
            f"cannot be had: step '{step}' lists no metrics",
            f'Write metrics = ["metrics.json"] under [steps.{step}].',
        )
    bounds = [bound for bound in ("at-least", "at-most") if bound in goal.raw]
    if len(bounds) != 1:
        about.problem(
            "goal",
            "must have either at-least or at-most",
            'Write goal = { metric = "train.accuracy", at-least = 0.95 }.',
        )
    for bound in bounds:
        value = goal.raw[bound]
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            goal.problem(bound, f"must be a finite number, but it is {_described(value)}")
    return dict(goal.raw)


def _described(value: object) -> str:
    return str(value) if isinstance(value, float) else kind_of(value)


# -------------------------------------------------------------------------------------------- data


def _data(name: str, table: Table) -> Data | None:
    table.known(_DATA)
    _check_name(name, table, "a data set")
    sha256 = table.string("sha256").lower()
    if sha256 and not _SHA256.match(sha256):
        table.problem(
            "sha256",
            "is not a sha256: 64 hexadecimal digits",
            "Copy what sha256sum prints, or leave it out: nivis lock records it.",
        )
    origin = decode_origin(table)
    if origin is None:
        return None
    return Data(
        name=name,
        origin=origin,
        sha256=sha256 or None,
        description=table.string("description"),
        license=table.string("license"),
        sensitive=table.boolean("sensitive", False),
    )


def _check_name(name: str, table: Table, what: str) -> None:
    if not is_name(name):
        table.source.problem(table.path, f"'{name}' cannot be the name of {what}", NAME_RULE)


# ------------------------------------------------------------------------------------------- steps


def _step(name: str, table: Table) -> Step | None:
    table.known(_STEP)
    _check_name(name, table, "a step")
    retries, more = decode_retries(table)
    return Step(
        name=name,
        run=_run(table),
        outputs=_products(table, "outputs", "model.json"),
        metrics=_products(table, "metrics", "metrics.json"),
        plots=_products(table, "plots", "figure.svg"),
        sources=table.strings("sources", "config/*.json"),
        env=_env(table.table("env")),
        tools=_tools(table),
        matrix=decode_matrix(table),
        foreach=decode_foreach(table),
        cores=table.integer("cores", 1, least=1),
        memory=decode_memory(table, "memory"),
        gpus=table.integer("gpus", 0, least=0),
        locks=decode_locks(table),
        timeout=decode_timeout(table),
        retries=retries,
        retry_memory=more,
    )


def _run(table: Table) -> str | tuple[str, ...]:
    run = table.raw.get("run", "")
    if isinstance(run, list) and run and all(isinstance(word, str) for word in run):
        words = tuple(str(word) for word in run)
        text = "".join(words)
    elif isinstance(run, str):
        words, text = (), run
    else:
        table.problem("run", "must be a bash script or a list of strings", 'Write run = "python train.py ${out}".')
        return ""
    if not text.strip():
        what = "is empty" if "run" in table.raw else "is missing"
        table.source.problem(
            (*table.path, "run"), f"{dotted((*table.path, 'run'))} {what}", 'Write run = "python train.py ${out}".'
        )
    if "\0" in text:
        table.problem("run", "contains a NUL character", "Remove it: a shell cannot read it.")
    return words or text


def _products(table: Table, key: str, example: str) -> tuple[str, ...]:
    """Decode paths that a step writes below ``$out``."""
    products: list[str] = []
    for written in table.strings(key, example):
        path = PurePosixPath(written)
        if "${" in written:
            table.problem(
                key,
                f"has '{written}', but references are replaced in run only",
                f"Paths are relative to $out: write '{path.name}'.",
            )
        elif path.is_absolute() or ".." in path.parts or not path.parts or "\0" in written:
            table.problem(
                key,
                f"has '{written}', which is not a path inside $out",
                f"Paths are relative to $out: write '{example}'.",
            )
        elif key == "metrics" and path.suffix not in RECORDS:
            table.problem(
                key, f"has '{written}', which is not JSON, YAML or TOML", "Its name must end in .json, .yaml or .toml."
            )
        elif str(path) in products:
            table.problem(key, f"has '{written}' twice", "Remove one.")
        else:
            products.append(str(path))
    return tuple(products)


def _env(table: Table) -> Mapping[str, str]:
    env: dict[str, str] = {}
    for name in table.raw:
        value = table.get(name, str, "a string", "", "Write it in quotes.")
        if not _VARIABLE.match(name):
            table.problem(
                name, "is not the name of a variable", "Use letters, digits and '_', and do not begin with a digit."
            )
        elif name == "out" or name.startswith("NIVIS_"):
            table.problem(name, "is set by nivis", "Choose another name.")
        else:
            env[name] = value
    return env


def _tools(table: Table) -> tuple[str, ...]:
    tools = table.strings("tools", "r-base-core")
    for name in tools:
        if not _PACKAGE.match(name):
            hint = "Write the name alone: which version it is, nivis.lock says."
            table.problem("tools", f"has '{name}', which is not the name of a package", hint)
    return tuple(sorted(set(tools)))
