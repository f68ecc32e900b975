"""Find a project and read what its pyproject.toml says under [tool.nivis].

The root is the nearest folder upwards that has a pyproject.toml with [tool.nivis], or a flake.nix beside a
nivis.lock, or a pyproject.toml beside a folder of experiments.

Which lock file counts: the one that is there. Of several, the one of the tool in use (``[tool.poetry]`` or
poetry-core as build backend: poetry.lock; ``[tool.uv]`` or uv_build: uv.lock), where a pylock.toml beside one of
the others is taken for an export of it. If that does not decide, ``lock = "uv.lock"`` under [tool.nivis] must.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from nivis.errors import ManifestError
from nivis.manifest.limits import decode_memory
from nivis.manifest.model import COPY_LIMIT, Project, ToolchainSettings
from nivis.manifest.toml import Source, Table, parse

PYPROJECT = "pyproject.toml"
LOCK_FILES = ("poetry.lock", "uv.lock", "pylock.toml")

_KEYS = ("experiments", "source", "generated", "toolchain", "groups", "extras", "urls", "lock", "flake", "copy-limit")
_TOOLCHAIN = ("kind", "suite", "packages", "mirror")
_SUITES = ("bookworm", "trixie")
# PEP 751: pylock.toml, or pylock.NAME.toml
_LOCK_NAME = re.compile(r"(?:poetry\.lock|uv\.lock|pylock(?:\.[^./]+)?\.toml)\Z")
_HEADER = re.compile(r"^\s*\[\s*tool\s*\.\s*nivis\s*[.\]]", re.MULTILINE)


def find_root(start: Path) -> Path:
    """Return the root of the project that ``start`` (a folder) is in; ManifestError if it is in none."""
    start = start.resolve()
    for folder in (start, *start.parents):
        if _is_root(folder):
            return folder
    raise ManifestError(
        "not inside a nivis project", where=str(start), hint="Run 'nivis init' in the folder that is to be one."
    )


def _is_root(folder: Path) -> bool:
    pyproject = folder / PYPROJECT
    if pyproject.is_file():
        if (folder / "experiments").is_dir():
            return True
        # A look at the text suffices: a file with a mistake in it is a root too, and says so when it is read.
        if _HEADER.search(pyproject.read_text(encoding="utf-8", errors="replace")):
            return True
    return (folder / "flake.nix").is_file() and (folder / "nivis.lock").is_file()


def load_project(root: Path) -> Project:
    """Read the settings of the project at ``root`` (absolute); ManifestError, or Problems, for what is wrong."""
    path = root / PYPROJECT
    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    present = tuple(name for name in LOCK_FILES if (root / name).is_file())
    return decode_project(text, root, present)


def decode_project(text: str, root: Path, present: tuple[str, ...]) -> Project:
    """Decode pyproject.toml; ``present`` are the names of the lock files beside it."""
    raw = parse(text, PYPROJECT)
    source = Source(text=text, file=PYPROJECT)
    top = Table(source, (), raw)
    settings = top.table("tool").table("nivis")
    settings.known(_KEYS)
    project = Project(
        root=root,
        name=_name(raw, root),
        experiments=_folder(settings, "experiments", "experiments"),
        source=_folders(settings),
        generated=_folder(settings, "generated", "generated"),
        toolchain=_toolchain(settings.table("toolchain")),
        groups=settings.strings("groups", "plots"),
        extras=settings.strings("extras", "gpu"),
        urls=settings.boolean("urls", True),
        flake=settings.boolean("flake", True),
        copy_limit=decode_memory(settings, "copy-limit") or COPY_LIMIT,
        pyproject=raw,
        lock_file=_lock_file(settings, raw, root, present),
    )
    source.finish()
    return project


def _name(raw: Mapping[str, object], root: Path) -> str:
    """Return the name by PEP 621 or Poetry 1, else the folder's."""
    name = _dig(raw, "project", "name") or _dig(raw, "tool", "poetry", "name")
    return name if isinstance(name, str) else root.name


def _dig(raw: object, *path: str) -> object:
    """Return a value of tables that belong to others, so that nothing about them is an error here."""
    for key in path:
        raw = raw.get(key) if isinstance(raw, Mapping) else None
    return raw


def _inside(settings: Table, key: str, written: str) -> PurePosixPath | None:
    path = PurePosixPath(written)
    if path.is_absolute() or ".." in path.parts or not written:
        settings.problem(
            key,
            f"has '{written}', which is not a folder inside the project",
            "Write a path relative to pyproject.toml.",
        )
        return None
    return path


def _folder(settings: Table, key: str, default: str) -> PurePosixPath:
    written = settings.string(key, default)
    path = _inside(settings, key, written)
    if path is not None and not path.parts:
        settings.problem(key, "cannot be the whole project", f'Write {key} = "{default}".')
        path = None
    return path or PurePosixPath(default)


def _folders(settings: Table) -> tuple[PurePosixPath, ...]:
    if "source" not in settings.raw:
        return (PurePosixPath("src"),)
    paths = (_inside(settings, "source", written) for written in settings.strings("source", "src"))
    return tuple(path for path in paths if path is not None)


def _toolchain(table: Table) -> ToolchainSettings:
    table.known(_TOOLCHAIN)
    kind = table.choice("kind", ("debian", "nixpkgs"), "debian")
    default = ToolchainSettings()
    return ToolchainSettings(
        kind=kind,
        suite=table.choice("suite", _SUITES, default.suite)
        if kind == "debian"
        else table.string("suite", default.suite),
        packages=table.strings("packages", "jq"),
        mirror=table.string("mirror") or None,
    )


def _lock_file(settings: Table, raw: Mapping[str, object], root: Path, present: tuple[str, ...]) -> str | None:
    explicit = settings.string("lock")
    if explicit:
        path = _inside(settings, "lock", explicit)
        if path is None:
            return None
        if not _LOCK_NAME.match(path.name):
            settings.problem(
                "lock", f"is '{explicit}', which is no lock file that nivis reads", f"Known: {', '.join(LOCK_FILES)}."
            )
        elif not (root / path).is_file():
            settings.problem(
                "lock",
                f"is '{explicit}', which does not exist",
                "Make it with the tool that the project uses, or remove the key.",
            )
        return str(path)
    if len(present) <= 1:
        return present[0] if present else None
    return _of_tool_in_use(settings, raw, present)


def _of_tool_in_use(settings: Table, raw: Mapping[str, object], present: tuple[str, ...]) -> str | None:
    tools = [name for name in present if name != "pylock.toml"]
    if len(tools) == 1:
        return tools[0]
    backend = str(_dig(raw, "build-system", "build-backend") or "")
    used = {
        "poetry.lock": _dig(raw, "tool", "poetry") is not None or backend.startswith("poetry"),
        "uv.lock": _dig(raw, "tool", "uv") is not None or backend.startswith("uv"),
    }
    chosen = [name for name in tools if used[name]]
    if len(chosen) == 1:
        return chosen[0]
    settings.source.problem(
        ("tool", "nivis"),
        f"both {' and '.join(tools)} are there, and nothing says which one counts",
        'Remove one, or write lock = "uv.lock" under [tool.nivis].',
    )
    return None
