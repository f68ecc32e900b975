"""Whether the project has the packages that its notebooks are executed with."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from nivis.engine.workspace import Workspace
from nivis.errors import ManifestError
from nivis.lock.model import PythonEnvironment
from nivis.manifest.model import Experiment
from nivis.manifest.toml import dotted, place
from nivis.plan.files import Files
from nivis.plan.notebook import notebook_of

_ADD = {"poetry.lock": "poetry add", "uv.lock": "uv add"}


def lacking(
    workspace: Workspace, experiments: Mapping[str, Experiment], python: PythonEnvironment
) -> Iterator[ManifestError]:
    """Yield an error for every step that runs a notebook without the packages for it."""
    files = Files(workspace.project.root)
    known = {wheel.name for wheel in python.wheels}
    for experiment in experiments.values():
        for step in experiment.steps.values():
            notebook = notebook_of(step.run, str(experiment.folder), files)
            absent = [package for package in notebook.packages if package not in known] if notebook else []
            if absent:
                file, path = str(experiment.manifest), ("steps", step.name, "run")
                yield ManifestError(
                    f"a notebook is executed with {_listed(absent)}, which the project does not have",
                    where=f"{place(files.text(file), file, path)}: {dotted(path)}",
                    hint=_command(workspace.project.lock_file, absent),
                )


def _listed(packages: list[str]) -> str:
    *most, last = packages
    return f"{', '.join(most)} and {last}" if most else last


def _command(lock_file: str | None, packages: list[str]) -> str:
    if lock_file in _ADD:
        return f"Run `{_ADD[lock_file]} {' '.join(packages)}`."
    return "Add them to the dependencies in pyproject.toml, and lock those (`poetry lock` or `uv lock`)."
