"""Modules and packages that a step did not find: of the project, of Python's index, of R."""

from __future__ import annotations

import re
from itertools import islice

from nivis.plan.distributions import distribution_of
from nivis.plan.files import Files
from nivis.plan.sight import Sight, as_source

MOST = 20_000  # files looked at in search of a module

_MODULE = re.compile(r"No module named '?(?P<name>[\w.]+)'?")
_SPECIFICATION = re.compile(r"finding module specification for '(?P<name>[\w.]+)'")
_OPTIONAL = re.compile(r"(?:Missing optional dependency '|`Import )(?P<name>[\w.-]+)(?:'|` failed)")
_R_PACKAGE = re.compile(r"there is no package called ['\"\u2018](?P<name>[\w.]+)['\"\u2019]")


def explain_package(line: str, sight: Sight, files: Files) -> str:
    """Return what a line of a log tells of a module or package that is not there; empty if nothing."""
    if match := _R_PACKAGE.search(line):
        return (
            f"the R package '{match['name']}' is not among the step's tools. "
            f'Add it to [{sight.section}] in {sight.manifest}: tools = ["r-cran-{match["name"].lower()}"].'
        )
    if match := _OPTIONAL.search(line):
        return _distribution(match["name"], sight)
    match = _SPECIFICATION.search(line) or _MODULE.search(line)
    if match is None:
        return ""
    name = match["name"]
    return _module(name, sight, files) or _distribution(name, sight)


def _module(name: str, sight: Sight, files: Files) -> str:
    """Explain a module of the project: it is there, but not where Python looks, or nothing imports it by its name."""
    path = name.replace(".", "/")
    for root in (sight.folder, *sight.sources):
        for found in (f"{root}/{path}.py", f"{root}/{path}/__init__.py", f"{root}/{path}/__main__.py"):
            if files.is_file(found) and found not in sight.files:
                pattern = as_source(found, sight)
                if not found.endswith(f"{path}.py"):
                    pattern = as_source(f"{root}/{path}", sight)
                return _unimported(found, pattern, sight)
        if files.is_folder(f"{root}/{path}") and any(files.walk(f"{root}/{path}")):
            return _unimported(f"{root}/{path}", as_source(f"{root}/{path}", sight), sight)
    top = path.partition("/")[0]
    for found in islice(files.walk(""), MOST):
        if found.endswith((f"/{top}.py", f"/{top}/__init__.py")) and not found.startswith(f"{sight.generated}/"):
            folder = found.removesuffix(f"/{top}.py").removesuffix(f"/{top}/__init__.py")
            listed = ", ".join(f'"{source}"' for source in (*sight.sources, folder))
            return (
                f"'{found}' is in the project, but not where a step imports from ({sight.folder} and "
                f"{', '.join(sight.sources) or 'no other folder'}). Write source = [{listed}] under [tool.nivis] in "
                "pyproject.toml, or move it."
            )
    return ""


def _unimported(found: str, pattern: str, sight: Sight) -> str:
    return (
        f"'{found}' is in the project, but the step does not see it: the code imports it by a name that it makes up. "
        f'Add to [{sight.section}] in {sight.manifest}: sources = ["{pattern}"].'
    )


def _distribution(module: str, sight: Sight) -> str:
    """Say which package to add for a module that is not of the project."""
    name = distribution_of(module)
    if name is None or name in sight.wheels:
        return ""
    move = f"Run `{sight.add.format(name)}`" if sight.add else f"Add '{name}' to pyproject.toml and lock it"
    return f"the Python package '{name}' is not in the project's environment. {move}, then build again."
