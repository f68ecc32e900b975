"""Build the plan of an experiment: every step fully resolved, as lib/ reads it.

The plan is canonical JSON: sorted keys, no absolute path, no time. Numbers in it are integers only: Nix before 2.16
writes floats with six digits, so whatever may hold one (``params``, ``experiment``) is JSON text inside the JSON.

    {"version": 1, "name": …, "folder": …, "manifest": sha256 of experiment.toml, "experiment": text, "params": text,
     "data": {name: {"name", "sha256" | "tree", "origin", "url"?, "archive"?, "member"?}},
     "steps": {name: {"run": [fragment] | "argv": [[fragment]], "files": [path], "params": text, "data": [name],
                      "steps": [name], "outputs", "metrics", "plots", "env", "cores", "memory", "gpus"}}}
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from nivis.errors import NivisError, raise_all
from nivis.lock.model import LockedData
from nivis.manifest.model import Experiment, Project, Step, Value
from nivis.manifest.toml import dotted, place
from nivis.plan.data import plan_data
from nivis.plan.files import Files
from nivis.plan.order import order
from nivis.plan.references import Fragment, Rendered, Scope, render_argv, render_script, render_text
from nivis.plan.sources import Found, Sources

VERSION = 1
PARAMS = b"NIVIS_PARAMS"

Problem = tuple[tuple[str, ...], str, NivisError]  # key path, text to look for, problem


def build_plan(
    project: Project, experiment: Experiment, lock_data: Mapping[str, LockedData], files: Files | None = None
) -> dict[str, object]:
    """Return the plan of an experiment; ``lock_data`` is by the names of its data sets.

    ``files`` may be shared between experiments. Raises ManifestError or LockError, or Problems if there are several.
    """
    files = files or Files(project.root)
    problems: list[Problem] = []
    data = plan_data(experiment, lock_data, problems)
    planner = _Planner(project, experiment, files)
    steps = {name: planner.step(step, problems) for name, step in sorted(experiment.steps.items())}
    if not problems:
        try:
            order({name: step.steps for name, step in steps.items()})
        except NivisError as error:
            problems.append((("steps",), "", error))
    if problems:
        _raise(problems, experiment, files)
    return {
        "version": VERSION,
        "name": experiment.name,
        "folder": str(experiment.folder),
        "manifest": files.sha256(str(experiment.manifest)),
        "experiment": canonical(_about(experiment)),
        "params": canonical(experiment.params),
        "data": data,
        "steps": {name: planned.plan for name, planned in steps.items()},
    }


def dumps(plan: Mapping[str, object]) -> str:
    """Write a plan: sorted keys, one value a line, a newline at the end."""
    return json.dumps(plan, sort_keys=True, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def canonical(value: object) -> str:
    """Return JSON text on one line with sorted keys and the shortest form of floats."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def _about(experiment: Experiment) -> dict[str, object]:
    """Return what the manifest says about the experiment, without what it leaves open."""
    about: dict[str, object] = {
        "title": experiment.title,
        "question": experiment.question,
        "goal": experiment.goal,
        "trl": experiment.trl,
        "status": experiment.status,
        "conclusion": experiment.conclusion,
        "tags": list(experiment.tags),
    }
    return {key: value for key, value in about.items() if value}


def _raise(problems: list[Problem], experiment: Experiment, files: Files) -> None:
    """Give every problem its place in the manifest, and raise them."""
    file = str(experiment.manifest)
    text = files.text(file)
    for path, needle, problem in problems:
        problem.where = f"{place(text, file, path, needle)}: {dotted(path)}"
    raise_all(list({str(problem): problem for _, _, problem in problems}.values()))


# ------------------------------------------------------------------------------------------- steps


@dataclass(frozen=True, slots=True)
class _Planned:
    plan: Mapping[str, object]
    steps: frozenset[str]


class _Planner:
    """Plans the steps of one experiment, remembering what they share."""

    def __init__(self, project: Project, experiment: Experiment, files: Files) -> None:
        self.experiment = experiment
        self.files = files
        self.sources = Sources(files, project, experiment)
        self.all_params = canonical(experiment.params)
        self._selections: dict[frozenset[tuple[str, ...]], str] = {}
        self._asking: dict[str, bool] = {}

    def step(self, step: Step, problems: list[Problem]) -> _Planned:
        """Plan one step: resolve its references and find its files."""
        scope = Scope(
            step=step.name,
            steps=self.experiment.steps,
            data=self.experiment.data,
            params=self.experiment.params,
        )
        is_script = isinstance(step.run, str)
        rendered = render_script(step.run, scope) if isinstance(step.run, str) else render_argv(step.run, scope)
        env = self._env(step, scope, rendered, problems)
        named = _named(self.sources, rendered, is_script)
        globs = self.sources.of_globs(step.sources)
        path = ("steps", step.name)
        problems += [((*path, "run"), needle, error) for needle, error in (*rendered.problems, *named.problems)]
        problems += [((*path, "sources"), needle, error) for needle, error in globs.problems]
        files = self.sources.close(Found(named.entries | globs.entries))
        plan: dict[str, object] = {
            "run" if is_script else "argv": rendered.script if is_script else rendered.argv,
            "files": files,
            "params": self._params(rendered, files, is_script),
            "data": sorted(rendered.data),
            "steps": sorted(rendered.steps),
            "outputs": list(step.outputs),
            "metrics": list(step.metrics),
            "plots": list(step.plots),
            "env": env,
            "cores": step.cores,
            "memory": step.memory,
            "gpus": step.gpus,
        }
        return _Planned(plan, frozenset(rendered.steps))

    def _env(self, step: Step, scope: Scope, rendered: Rendered, problems: list[Problem]) -> Mapping[str, str]:
        env: dict[str, str] = {}
        for name, value in step.env.items():
            env[name], found = render_text(value, scope)
            rendered.params |= found.params
            problems += [(("steps", step.name, "env", name), needle, error) for needle, error in found.problems]
        return env

    def _params(self, rendered: Rendered, files: list[str], is_script: bool) -> str:
        """Return what NIVIS_PARAMS holds: all parameters if the step can read that file, else those it refers to."""
        commands = [rendered.script] if is_script else rendered.argv
        text = "".join(part for command in commands for part in command if isinstance(part, str))
        if PARAMS.decode() in text or any(self._asks(file) for file in files):
            return self.all_params
        wanted = frozenset(rendered.params)
        if wanted not in self._selections:
            self._selections[wanted] = canonical(_selected(self.experiment.params, wanted))
        return self._selections[wanted]

    def _asks(self, file: str) -> bool:
        """Tell whether a file mentions NIVIS_PARAMS; one of a mebibyte is not code."""
        if file not in self._asking:
            is_code = self.files.is_file(file) and self.files.size(file) <= 1 << 20
            self._asking[file] = is_code and PARAMS in self.files.read(file)
        return self._asking[file]


def _named(sources: Sources, rendered: Rendered, is_script: bool) -> Found:
    if is_script:
        return sources.of_script(_visible(rendered.script))
    return sources.of_argv([_visible(argument) for argument in rendered.argv])


def _visible(fragments: list[Fragment]) -> str:
    """Return a command's text, a NUL for what is known only when it runs."""
    return "".join(part if isinstance(part, str) else "\0" for part in fragments)


def _selected(params: Mapping[str, Value], paths: Collection[tuple[str, ...]]) -> Mapping[str, Value]:
    """Return the nested tables that hold just the parameters at ``paths``."""
    selected: dict[str, Value] = {}
    for path in sorted(paths):
        source: Value | Mapping[str, Value] = params
        target = selected
        for key in path[:-1]:
            source = source[key] if isinstance(source, Mapping) else ""
            inner = target.setdefault(key, {})
            target = inner if isinstance(inner, dict) else {}
        if isinstance(source, Mapping):
            target[path[-1]] = source[path[-1]]
    return selected
