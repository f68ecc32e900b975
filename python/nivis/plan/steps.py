"""Plan steps: resolve their references, find their files, and say in what their instances differ."""

from __future__ import annotations

import json
import shlex
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from nivis.errors import ManifestError
from nivis.manifest.model import Experiment, Foreach, Project, Step, Value
from nivis.plan.files import Files, normalise
from nivis.plan.matrix import Problem, Sweep, find_sweeps
from nivis.plan.notebook import COMMAND, assigned, injected, notebook_of
from nivis.plan.references import Argument, Fragment, Rendered, Scope
from nivis.plan.render import fill, render_argv, render_script, render_text
from nivis.plan.resolve import item_variable
from nivis.plan.sources import Found, Sources

PARAMS = b"NIVIS_PARAMS"
LONGEST = 207  # characters of a derivation's name: 211 in the store, less ".drv"

# Made once: json.dumps makes one a call, which counts with thousands of instances.
_ENCODER = json.JSONEncoder(sort_keys=True, ensure_ascii=False, allow_nan=False, separators=(",", ":"))

Planned = dict[str, Any]  # what the plan has of one step


def canonical(value: object) -> str:
    """Return JSON text on one line with sorted keys and the shortest form of floats."""
    return _ENCODER.encode(value)


class StepPlanner:
    """Plans the steps of one experiment, remembering what they share; problems are noted in the list it is given."""

    def __init__(self, project: Project, experiment: Experiment, files: Files, problems: list[Problem]) -> None:
        self.experiment = experiment
        self.files = files
        self.problems = problems
        self.sources = Sources(files, project, experiment)
        self.sweeps = find_sweeps(experiment, problems)
        self._selections: dict[tuple[bool, frozenset[tuple[str, ...]]], str] = {}
        self._asking: dict[str, bool] = {}

    def plan(self, step: Step) -> Planned:
        """Plan one step."""
        if step.matrix is not None and step.name not in self.sweeps:
            return {}  # a problem of its matrix is noted
        experiment = self.experiment
        scope = Scope(
            step=step.name,
            steps=experiment.steps,
            data=experiment.data,
            params=experiment.params,
            sweeps=self.sweeps,
        )
        rendered = self._rendered(step, scope)
        self._note(step, "run", rendered.problems)
        planned: Planned = {
            "run" if isinstance(step.run, str) else "argv": rendered.script or rendered.argv,
            "data": sorted(rendered.data),
            "steps": sorted(rendered.steps),
            "outputs": list(step.outputs),
            "metrics": list(step.metrics),
            "plots": list(step.plots),
            "cores": step.cores,
            "memory": step.memory,
            "gpus": step.gpus,
            **_limits(step),
            **({"tools": list(step.tools)} if step.tools else {}),
        }
        globs = self.sources.of_globs(step.sources)
        self._note(step, "sources", globs.problems)
        if scope.sweep is None:
            return {**planned, **self._instance(step, scope, rendered, globs, None)}
        if scope.sweep.foreach is not None:
            return {**planned, **self._fanned(step, scope, scope.sweep.foreach, rendered, globs)}
        return {**planned, **self._swept(step, scope, scope.sweep, rendered, globs)}

    def _rendered(self, step: Step, scope: Scope) -> Rendered:
        """Resolve the references of a step's command; a notebook is one that the library knows how to run."""
        if not isinstance(step.run, str):
            return render_argv(step.run, scope)
        notebook = notebook_of(step.run, self.sources.folder, self.files)
        if notebook is None:
            return render_script(step.run, scope)
        path = normalise(f"{self.sources.folder}/{notebook.file}")
        if path is None or not self.files.is_file(path):
            self._note(step, "run", [(notebook.file, self.sources.missing(notebook.file))])
            return Rendered()
        axes = next(iter(scope.sweep.instances.values()), ()) if scope.sweep else ()
        names = assigned(path, self.files.text(path))
        text, params = injected(notebook, names, axes, self.experiment.params)
        rendered = render_script(text, scope)
        rendered.script[:0] = COMMAND
        rendered.params |= params
        return rendered

    def _swept(self, step: Step, scope: Scope, sweep: Sweep, rendered: Rendered, globs: Found) -> Planned:
        """Return the instances, and what is common to them."""
        self._check_names(step, sweep)
        common: Planned = {}
        instances: dict[str, Planned] = {}
        for label, values in sweep.instances.items():
            before = len(self.problems)
            whole = self._instance(step, scope, rendered, globs, values)
            common = common or {key: value for key, value in whole.items() if key != "texts"}
            instances[label] = {key: value for key, value in whole.items() if key not in common or value != common[key]}
            instances[label]["values"] = canonical(values)
            if len(self.problems) > before:
                break  # the others have the same
        along = sorted(name for name in rendered.steps if name in self.sweeps and not scope.gathers(name))
        return {**common, "instances": instances, **({"along": along} if along else {})}

    def _fanned(self, step: Step, scope: Scope, foreach: Foreach, rendered: Rendered, globs: Found) -> Planned:
        """Return what all instances have in common, where there are as many as another step wrote files or rows."""
        planned = self._instance(step, scope, rendered, globs, None)
        keys = sorted(rendered.items)
        planned["item"] = {item_variable(key): key for key in keys}
        if step.foreach is None:
            planned["foreach"] = {"along": step.matrix}
        else:
            kind, source = ("step", "data")[foreach.kind == "data"], foreach.source
            listed = {"kind": "rows" if foreach.rows else "files", "path": foreach.path, "label": foreach.label}
            planned["foreach"] = {kind: source, **listed, "keys": keys}
        along = sorted(name for name in rendered.steps if name in self.sweeps and not scope.gathers(name))
        return {**planned, **({"along": along} if along else {})}

    def _check_names(self, step: Step, sweep: Sweep) -> None:
        longest = max(sweep.instances, key=len)
        name = f"{self.experiment.name}-{step.name}-{longest}"
        if len(name) > LONGEST:
            what = f"instance {longest} would have a name of {len(name)} characters, but the store allows {LONGEST}"
            hint = "Shorten the name of the experiment, of the step or of a value."
            self.problems.append((("steps", step.name, "matrix"), "", ManifestError(what, hint=hint)))

    def _instance(
        self, step: Step, scope: Scope, rendered: Rendered, globs: Found, values: Mapping[str, Value] | None
    ) -> Planned:
        """Return what may differ between instances; ``values`` is None where the step has none."""
        found: list[Any] = []
        texts = fill(list(rendered.slots), values or {}, found)
        self._note(step, "run", found)
        named = self._named(rendered, texts) if len(texts) == len(rendered.slots) else Found()
        self._note(step, "run", named.problems)
        params = set(rendered.params)
        env: dict[str, str] = {}
        for name, value in step.env.items():
            env[name], used = render_text(value, scope, values)
            params |= used.params
            self.problems += [(("steps", step.name, "env", name), needle, error) for needle, error in used.problems]
        paths = self.sources.close(Found(named.entries | globs.entries))
        links = {path: target for path in paths if (target := self.files.link(path)) is not None}
        files = [path for path in paths if path not in links]
        planned: Planned = {"files": files, "params": self._params(rendered, params, files, scope.sweep), "env": env}
        planned["links"] = links
        return {**planned, "texts": texts} if texts else planned

    def _note(self, step: Step, key: str, problems: Sequence[tuple[str, Any]]) -> None:
        self.problems += [(("steps", step.name, key), needle, error) for needle, error in problems]

    def _named(self, rendered: Rendered, texts: Sequence[str]) -> Found:
        """Return the files that a command names."""
        if not rendered.argv:
            return self.sources.of_script(_visible(rendered.script, texts))
        return self.sources.of_argv([word for argument in rendered.argv for word in _words(argument, texts)])

    def _params(
        self, rendered: Rendered, params: Collection[tuple[str, ...]], files: list[str], sweep: Sweep | None
    ) -> str:
        """Return what NIVIS_PARAMS holds: all parameters if the step can read that file, else those it refers to.

        Lists that a step is swept over are not among all of them: it has one value of each, and a further one is no
        reason to run again.
        """
        wanted = frozenset(params)
        everything = any(PARAMS.decode() in text for text in _texts(rendered)) or any(self._asks(f) for f in files)
        key = (everything, (sweep.params - wanted if sweep else frozenset()) if everything else wanted)
        if key not in self._selections:
            chosen = _without(self.experiment.params, key[1]) if everything else _only(self.experiment.params, key[1])
            self._selections[key] = canonical(chosen)
        return self._selections[key]

    def _asks(self, file: str) -> bool:
        """Tell whether a file mentions NIVIS_PARAMS; one of a mebibyte is not code."""
        if file not in self._asking:
            is_code = self.files.is_file(file) and self.files.size(file) <= 1 << 20
            self._asking[file] = is_code and self.files.mentions(file, PARAMS)
        return self._asking[file]


def _limits(step: Step) -> Planned:
    """Return the limits that a step has: what is not written leaves no trace."""
    limits: Planned = {"locks": list(step.locks), "timeout": step.timeout, "retries": step.retries}
    limits["retry_memory"] = list(step.retry_memory)
    return {name: value for name, value in limits.items() if value}


def share_keys(steps: Mapping[str, Planned]) -> None:
    """Have the list of every fan-out give what the steps that run along with it refer to, too."""
    for step in steps.values():
        root = step
        while "along" in root.get("foreach", {}):
            root = steps[root["foreach"]["along"]]
        if root is not step:
            root["foreach"]["keys"] = sorted({*root["foreach"]["keys"], *step["item"].values()})


def _texts(rendered: Rendered) -> list[str]:
    """Return the literal parts of a command."""
    arguments = [argument["raw"] if isinstance(argument, dict) else argument for argument in rendered.argv]
    return [part for fragments in [rendered.script, *arguments] for part in fragments if isinstance(part, str)]


def _visible(fragments: Sequence[Fragment], texts: Sequence[str]) -> str:
    """Return a command's text, a NUL for what is known only when it runs."""
    return "".join(
        part if isinstance(part, str) else texts[int(part["text"])] if "text" in part else "\0" for part in fragments
    )


def _words(argument: Argument, texts: Sequence[str]) -> list[str]:
    if isinstance(argument, dict):
        return shlex.split(_visible(argument["raw"], texts))
    return [_visible(argument, texts)]


def _only(params: Mapping[str, Value], paths: Collection[tuple[str, ...]]) -> Mapping[str, Value]:
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


def _without(params: Mapping[str, Value], paths: Collection[tuple[str, ...]]) -> dict[str, Value]:
    """Return the parameters without those at ``paths``."""
    left: dict[str, Value] = {}
    for key, value in params.items():
        if (key,) in paths:
            continue
        below = {path[1:] for path in paths if path[0] == key and len(path) > 1}
        left[key] = _without(value, below) if below and isinstance(value, dict) else value
    return left
