"""The Python files that a script imports, found without running it.

``facts`` reads one file: its imports (anywhere in it, also conditional ones and those in functions),
``importlib.import_module("literal")``, and packages whose data it reads through importlib.resources or pkgutil.
``Closure`` resolves them as the interpreter would, in the script's own folder, then in further roots, and follows them.
What cannot be found there comes from an installed package. Reference: Python manual, "The import system".
"""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeGuard

from nivis.plan.files import Files

Roots = tuple[str, ...]

_RESOURCES = frozenset(
    {"files", "read_text", "read_binary", "open_text", "open_binary", "path", "contents", "is_resource", "get_data"}
)
_EXTENSIONS = (".so", ".pyd")


@dataclass(frozen=True, slots=True)
class Import:
    """``from ..module import names`` (level 2), or ``import module``."""

    module: tuple[str, ...]
    level: int = 0
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What matters of one Python file."""

    imports: tuple[Import, ...] = ()
    resources: tuple[str, ...] = ()  # packages whose data files are read; "" is the file's own
    exported: tuple[str, ...] = ()  # __all__


@lru_cache(maxsize=4096)
def facts(source: bytes) -> Facts:
    """Read the facts of a Python source; none if it has a syntax error (the step will show it)."""
    if b"import" not in source and b"__all__" not in source:
        return Facts()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # invalid escapes and the like are not ours to report
            tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError):
        return Facts()
    imports: list[Import] = []
    resources: list[str] = []
    exported: list[str] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            imports.extend(Import(tuple(alias.name.split("."))) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = tuple(node.module.split(".")) if node.module else ()
            imports.append(Import(module, node.level, tuple(alias.name for alias in node.names)))
        elif isinstance(node, ast.Call):
            _call(node, imports, resources)
        elif isinstance(node, ast.Assign) and any(isinstance(t, ast.Name) and t.id == "__all__" for t in node.targets):
            exported.extend(item.value for item in ast.walk(node.value) if _is_text(item))
    unique = tuple(dict.fromkeys(imports))
    return Facts(imports=unique, resources=tuple(dict.fromkeys(resources)), exported=tuple(exported))


def _call(node: ast.Call, imports: list[Import], resources: list[str]) -> None:
    name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    if not node.args:
        return
    first = node.args[0]
    if isinstance(first, ast.Name) and first.id in {"__name__", "__package__"}:
        if name in _RESOURCES:
            resources.append("")
    elif _is_text(first):
        if name in {"import_module", "__import__", "run_module"}:
            module = first.value.lstrip(".")
            imports.append(Import(tuple(module.split(".")) if module else (), len(first.value) - len(module)))
        elif name in _RESOURCES:
            resources.append(first.value)


class _Text(ast.Constant):
    """A literal string, for the type checker."""

    value: str


def _is_text(node: ast.AST) -> TypeGuard[_Text]:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


class Closure:
    """Follows imports. One instance serves one run: every file is resolved once for the same roots."""

    def __init__(self, files: Files) -> None:
        self.files = files
        self._compiled: dict[str, dict[str, str]] = {}  # folder -> module -> extension module
        self._modules: dict[tuple[tuple[str, ...], Roots], list[str]] = {}
        self._edges: dict[tuple[str, Roots], frozenset[str]] = {}
        self._closures: dict[tuple[str, Roots], frozenset[str]] = {}

    def of_script(self, script: str, roots: Roots) -> frozenset[str]:
        """Return ``script`` and all files of the project that it imports; its own folder comes before ``roots``."""
        folder = script.rpartition("/")[0]
        return self._follow([script], tuple(dict.fromkeys((folder, *roots))), key=script)

    def of_module(self, module: str, roots: Roots) -> frozenset[str]:
        """Return the files of ``python -m module``: none if it is not in the project."""
        parts = tuple(module.split("."))
        start = [*self._find(parts, roots), *self._find((*parts, "__main__"), roots)]
        return self._follow(start, roots, key=f"-m {module}")

    def of_text(self, text: str, roots: Roots) -> frozenset[str]:
        """Return the files that a program given as text imports (``python -c``)."""
        start = self._targets(facts(text.encode()), "", roots)
        return self._follow(sorted(start), roots, key=f"-c {text}")

    def _follow(self, start: Sequence[str], roots: Roots, key: str) -> frozenset[str]:
        if (key, roots) not in self._closures:
            seen = set(start)
            queue = list(start)
            while queue:
                for target in self._imported(queue.pop(), roots):
                    if target not in seen:
                        seen.add(target)
                        queue.append(target)
            self._closures[key, roots] = frozenset(seen)
        return self._closures[key, roots]

    def _imported(self, path: str, roots: Roots) -> frozenset[str]:
        """Return what one file imports directly."""
        if (path, roots) not in self._edges:
            is_code = path.endswith(".py") or "." not in path.rpartition("/")[2]
            found = facts(self.files.read(path)) if is_code else Facts()
            self._edges[path, roots] = frozenset(self._targets(found, path.rpartition("/")[0], roots))
        return self._edges[path, roots]

    def _targets(self, found: Facts, folder: str, roots: Roots) -> set[str]:
        targets: set[str] = set()
        for item in found.imports:
            base = _above(folder, item.level) if item.level else None
            if item.level and base is None:
                continue
            search = roots if base is None else (base,)
            if base is not None and self.files.is_file(_join(base, "__init__.py")):
                targets.add(_join(base, "__init__.py"))
            targets.update(self._find(item.module, search))
            for name in item.names:
                names = self._exported(item.module, search) if name == "*" else (name,)
                for each in names:
                    targets.update(self._find((*item.module, each), search))
        for package in found.resources:
            folders = [folder] if not package else self._packages(tuple(package.split(".")), roots)
            for each in folders:
                targets.update(path for path in self.files.walk(each) if not path.endswith(".py"))
        return targets

    def _exported(self, module: tuple[str, ...], search: Roots) -> tuple[str, ...]:
        """Return the names of ``__all__`` for ``from package import *``: submodules among them are imported."""
        found = self._find(module, search) if module else [_join(search[0], "__init__.py")]
        last = found[-1] if found else ""
        return (
            facts(self.files.read(last)).exported if last.endswith("__init__.py") and self.files.is_file(last) else ()
        )

    def _find(self, module: tuple[str, ...], roots: Roots) -> list[str]:
        """Return the files that importing ``module`` runs: its own and the ``__init__.py`` of every package above."""
        if (module, roots) not in self._modules:
            self._modules[module, roots] = self._search(module, roots)
        return self._modules[module, roots]

    def _search(self, module: tuple[str, ...], roots: Roots) -> list[str]:
        found: list[str] = []
        search: Sequence[str] = roots
        for part in module:
            hit = next((hit for base in search if (hit := self._entry(base, part))), None)
            if hit is not None:
                found.append(hit)
                if not hit.endswith(f"/{part}/__init__.py") and hit != f"{part}/__init__.py":
                    return found
                search = [hit.removesuffix("/__init__.py")]
            else:  # a namespace package, in as many parts as there are; or nothing of the project
                search = [path for base in search if self.files.is_folder(path := _join(base, part))]
        return found

    def _entry(self, base: str, part: str) -> str | None:
        """Return the file of a package or module directly in ``base``; a package goes first."""
        if self.files.is_file(path := _join(base, part, "__init__.py")):
            return path
        if self.files.is_file(path := _join(base, f"{part}.py")):
            return path
        if base not in self._compiled:
            names = sorted(name for name in self.files.names(base) if name.endswith(_EXTENSIONS))
            self._compiled[base] = {name.partition(".")[0]: name for name in reversed(names)}
        name = self._compiled[base].get(part)
        return _join(base, name) if name else None

    def _packages(self, module: tuple[str, ...], roots: Roots) -> Iterator[str]:
        """Yield the folders of a package."""
        path = "/".join(module)
        yield from (folder for root in roots if path and self.files.is_folder(folder := _join(root, path)))


def _join(*parts: str) -> str:
    return "/".join(part for part in parts if part)


def _above(folder: str, level: int) -> str | None:
    """Return the package that a relative import of ``level`` dots starts from."""
    parts = folder.split("/") if folder else []
    return "/".join(parts[: len(parts) - level + 1]) if level - 1 <= len(parts) else None
