"""What one step sees of its project, and how its manifest says that it is to see more."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from nivis.plan.files import Files
from nivis.plan.instances import CHECK, TEST


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """What one step sees of its project, and how its manifest is to be changed to see more."""

    step: str
    experiment: str
    folder: str  # where it runs
    manifest: str
    files: Collection[str]  # those it was given
    script: str  # its command; references as NUL characters
    root: str  # the project's folder on this machine
    data: Mapping[str, str]  # paths of data sets in the project, by name
    outputs: Mapping[str, Sequence[str]]  # files that other steps declare
    sources: Sequence[str] = ()  # folders on PYTHONPATH
    generated: str = "generated"
    wheels: Collection[str] = ()  # normalised names of the Python packages that are there
    add: str = "poetry add {}"  # how to add one; empty: by hand

    @property
    def section(self) -> str:
        """Return the table of the manifest that the step is."""
        return self.step.removesuffix(TEST) if self.step.startswith(CHECK) else f"steps.{self.step}"


def data_name(path: str, sight: Sight) -> str:
    """Return a name for a data set that is not declared yet."""
    base = re.sub(r"[^A-Za-z0-9_]+", "-", PurePosixPath(path).name.partition(".")[0]).strip("-") or "data"
    return base if base not in sight.data else f"{base}-2"


def as_source(path: str, sight: Sight) -> str:
    """Return a path as ``sources`` has it: from the experiment's folder, or from the root."""
    inside = f"{sight.folder}/"
    return path.removeprefix(inside) if path.startswith(inside) else f"/{path}"


def pattern(path: str, sight: Sight, files: Files) -> str:
    """Return what to add: the file, or all of its kind where a folder below has several."""
    folder, _, name = path.rpartition("/")
    end = PurePosixPath(name).suffix
    alike = [other for other in files.names(folder) if PurePosixPath(other).suffix == end]
    if end and len(alike) > 1 and folder != sight.folder and folder not in sight.sources:
        return as_source(f"{folder}/*{end}", sight)
    return as_source(path, sight)
