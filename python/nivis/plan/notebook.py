"""Steps that run a notebook: ``run = "explore.ipynb"``, with ``name=value`` words behind it if need be.

Notebooks are Jupyter's (.ipynb), Markdown whose Python stands in ```{python} cells (.md, .qmd), and Python scripts in
cells that begin with ``# %%`` (.py). lib/notebook.py executes them.
What the cell tagged ``parameters`` assigns is set from the step's matrix and from [params] (``test_size`` is
``test-size`` there), and ``out`` to the step's output, unless a word sets it; other parameters are no inputs.
"""

from __future__ import annotations

import ast
import json
import re
import shlex
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from nivis.manifest.model import Value
from nivis.plan.files import Files, normalise
from nivis.plan.references import Fragment

LIBRARY = "notebook.py"  # of lib/: papermill with its traces removed
COMMAND: tuple[Fragment, ...] = ("python ", {"library": LIBRARY}, " ", {"out": True}, " ")
PACKAGES = ("papermill", "ipykernel")
CONVERTER = "jupytext"  # for what is not a .ipynb

_VALUE = r"""(?:[^\s'"\\;&|<>`()]|'[^']*'|"[^"]*")*"""
_RUN = re.compile(
    rf"\s*(?P<file>(?!\./)[^\s'\"\\;&|<>`()$={{}}]+\.(?:ipynb|qmd|md|py))"
    rf"(?P<words>(?:(?:[ \t]|\\\n)+[A-Za-z_]\w*={_VALUE})*)\s*\Z"
)
_NAME = re.compile(r"(?:[ \t]|\\\n)([A-Za-z_]\w*)=")
_CELL = re.compile(r"^# %%(.*)$", re.MULTILINE)
_CHUNK = re.compile(r"^```\{(python\b[^}\n]*)\}[ \t]*\n(.*?)^```[ \t]*$", re.MULTILINE | re.DOTALL)
_TAGGED = re.compile(r"\bparameters\b")
_OPTION = re.compile(r"^#\|\s*tags\s*:.*\bparameters\b", re.MULTILINE)
_MAGIC = re.compile(r"^\s*[%!].*$", re.MULTILINE)  # IPython's, which no parser of Python reads


@dataclass(frozen=True, slots=True, kw_only=True)
class Notebook:
    """A notebook that a step runs."""

    file: str  # as it is written: relative to the experiment's folder
    text: str  # the step's ``run``
    names: tuple[str, ...]  # what its words set

    @property
    def packages(self) -> tuple[str, ...]:
        """Return the Python packages that executing it needs."""
        return PACKAGES if self.file.endswith(".ipynb") else (*PACKAGES, CONVERTER)


def notebook_of(run: str | tuple[str, ...], folder: str, files: Files) -> Notebook | None:
    """Return the notebook that a step's command is; None if it is a command."""
    found = _RUN.match(run) if isinstance(run, str) else None
    if found is None:
        return None
    path = normalise(f"{folder}/{found['file']}")
    there = path is not None and files.is_file(path)
    if not found["file"].endswith(".ipynb") and not (there and path and _has_cells(path, files)):
        return None
    return Notebook(file=found["file"], text=found[0].strip(), names=tuple(_NAME.findall(found["words"])))


def _has_cells(path: str, files: Files) -> bool:
    return (_CELL if path.endswith(".py") else _CHUNK).search(files.text(path)) is not None


def code(path: str, text: str) -> str:
    """Return the Python of a notebook, for its imports to be followed."""
    return "\n\n".join(_MAGIC.sub("", cell) for cell, _ in _cells(path, text))


def assigned(path: str, text: str) -> list[str]:
    """Return the names that the cell tagged ``parameters`` assigns, in order."""
    names: list[str] = []
    for cell, is_tagged in _cells(path, text):
        if is_tagged:
            names += _targets(_MAGIC.sub("", cell))
    return list(dict.fromkeys(names))


def _targets(source: str) -> Iterator[str]:
    try:
        body = ast.parse(source).body
    except SyntaxError:  # the step will show it
        return
    for node in body:
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        yield from (target.id for target in targets if isinstance(target, ast.Name))


def _cells(path: str, text: str) -> Iterator[tuple[str, bool]]:
    """Yield the source of every Python cell, and whether it is tagged ``parameters``."""
    if path.endswith(".ipynb"):
        yield from _jupyter_cells(text)
    elif path.endswith(".py"):
        parts = _CELL.split(text)
        yield parts[0], False
        for header, source in zip(parts[1::2], parts[2::2], strict=True):
            if "[markdown]" not in header and "[md]" not in header:
                yield source, _TAGGED.search(header) is not None
    else:
        for header, source in _CHUNK.findall(text):
            yield source, bool(_TAGGED.search(header) or _OPTION.search(source))


def _jupyter_cells(text: str) -> Iterator[tuple[str, bool]]:
    """Yield the cells of a .ipynb (nbformat 4); none of what is no notebook: the step will show it."""
    try:
        raw: Any = json.loads(text)
        cells = [cell for cell in raw["cells"] if cell["cell_type"] == "code"]
        for cell in cells:
            yield "".join(cell["source"]), "parameters" in cell.get("metadata", {}).get("tags", [])
    except (ValueError, KeyError, TypeError, AttributeError):
        return


def injected(
    notebook: Notebook, names: Collection[str], axes: Collection[str], params: Mapping[str, Value]
) -> tuple[str, set[tuple[str, ...]]]:
    """Return the command with what ``names`` are set to, and which parameters that takes.

    ``axes`` are those of the step's matrix. Values of parameters are JSON, so that text stays text.
    """
    words: list[str] = []
    taken: set[tuple[str, ...]] = set()
    for name in names:
        if name in notebook.names:
            continue
        axis = next((axis for axis in axes if axis.replace("-", "_") == name), None)
        key = next((key for key in params if key.replace("-", "_") == name), None)
        if axis is not None:
            words.append(f" {name}=${{matrix.{axis}}}")
        elif key is not None:
            value = shlex.quote(json.dumps(params[key], ensure_ascii=False, sort_keys=True))
            words.append(f" {name}={value.replace('${', '$${')}")
            taken.add((key,))
        elif name == "out":
            words.append(" out=${out}")
    return notebook.text + "".join(words), taken
