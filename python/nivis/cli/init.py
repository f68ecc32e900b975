"""``nivis init``: a new project from a template, or what an existing one lacks."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import click
import tomlkit
from packaging.specifiers import InvalidSpecifier, SpecifierSet

from nivis.cli.command import Command
from nivis.cli.session import Session
from nivis.errors import HostError, ManifestError, UsageError
from nivis.files import write_atomically
from nivis.flake.generate import MARKER, flake_text, git_files
from nivis.flake.git import added_note, init_work_tree, intend_to_add, is_ignored, require_work_tree
from nivis.flake.resources import read_tree, resource_folder
from nivis.manifest.project import decode_project, load_project

FIRST = {"minimal": "squares", "pipeline": "penguins", "polyglot": "dice", "notebook": "decay"}  # what to build
TEMPLATES = tuple(FIRST)
SUITES = (("trixie", "3.13"), ("bookworm", "3.11"))  # Debian release, its Python
PYPROJECT = PurePosixPath("pyproject.toml")
FLAKE = PurePosixPath("flake.nix")


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """What init did."""

    root: Path
    template: str | None  # None: adopted what was there
    written: Sequence[PurePosixPath]
    notes: Sequence[str] = ()


@click.command(
    "init",
    cls=Command,
    help="""Start a project in DIR (default: here), or adopt the one that is there.

    An existing project keeps every file and line; what is missing is added.""",
    examples=[
        ("nivis init my-project", "a small project that builds"),
        ("nivis init my-project -t pipeline", "one with data, a model and figures"),
        ("nivis init", "adopt the project in this folder"),
    ],
)
@click.argument("directory", metavar="[DIR]", default=".", type=click.Path(file_okay=False))
@click.option("-t", "--template", type=click.Choice(TEMPLATES), help="What a new project starts from (minimal).")
@click.pass_obj
def command(session: Session, directory: str, template: str | None) -> None:
    """Start or adopt a project, put it under git, and say what comes next."""
    root = (session.directory / Path(directory).expanduser()).resolve()
    started = start(root, template)
    session.say(_headline(started, session.directory))
    in_git, notes = _put_under_git(started)
    for note in (*started.notes, *notes):
        session.say(note)
    steps = next_commands(started, session.directory, in_git=in_git)
    session.say("next:\n" + "\n".join(f"  {step}" for step in steps))
    if session.json:
        written = [str(path) for path in started.written]
        session.answer({"root": str(root), "template": started.template, "written": written, "next": steps})


def start(root: Path, template: str | None) -> Started:
    """Write a new project below ``root``, or what an existing one lacks; raises UsageError, ManifestError."""
    if root.exists() and not root.is_dir():
        raise UsageError(f"'{root.name}' is a file", where="init", hint="Give a folder, or a name for a new one.")
    if not root.exists() or all(path.name == ".git" for path in root.iterdir()):
        return _create(root, template or TEMPLATES[0])
    if template is not None:
        raise UsageError(
            "the folder is not empty, and a template is for a new project",
            where=str(root),
            hint="Run 'nivis init' there without --template to adopt it, or give another folder.",
        )
    return _adopt(root)


def _create(root: Path, template: str) -> Started:
    files = dict(read_tree(resource_folder("templates") / template))
    name = project_name(root)
    files[PYPROJECT] = rename_project(files[PYPROJECT].decode(), name).encode()
    readme = PurePosixPath("README.md")
    files[readme] = files[readme].replace(f"# {template}\n".encode(), f"# {name}\n".encode(), 1)
    for path, content in files.items():
        write_atomically(root / path, content)
    return Started(root=root, template=template, written=sorted(files))


def _adopt(root: Path) -> Started:
    files: dict[PurePosixPath, bytes] = {}
    notes: list[str] = []
    text = _read(root / PYPROJECT)
    pyproject = with_settings(text, root) if text is not None else new_pyproject(root)
    project = decode_project(pyproject, root, ()) if text is None else load_project(root)
    files[PYPROJECT] = pyproject.encode()
    files.update(git_files(project))
    flake = _read(root / FLAKE)
    if flake is None:
        files[FLAKE] = flake_text(project).encode()
    elif MARKER not in flake:
        notes.append(
            "note: flake.nix is your own and stays; 'nivis lock' writes another one once you have moved it away"
        )
    written = [path for path in sorted(files) if _write_if_changed(root / path, files[path])]
    (root / project.experiments).mkdir(parents=True, exist_ok=True)
    return Started(root=root, template=None, written=written, notes=notes)


def with_settings(text: str, root: Path) -> str:
    """Return pyproject.toml with [tool.nivis.toolchain] if it had no [tool.nivis]; the rest stays to the byte."""
    try:
        document = tomlkit.parse(text)
    except tomlkit.exceptions.ParseError as error:
        raise ManifestError(str(error), where=str(root / PYPROJECT), hint="Correct the file first.") from None
    tool = document.get("tool")
    if isinstance(tool, Mapping) and "nivis" in tool:
        return text
    suite, python = suite_for(document)
    end = text if not text or text.endswith("\n") else text + "\n"
    settings = f'[tool.nivis.toolchain]\nsuite = "{suite}"           # the Debian release: Python {python}\n'
    addition = end + ("\n" if end else "") + settings
    try:
        tomlkit.parse(addition)  # 'tool' may be written in a way that a table cannot be added to, as in tool = { … }
    except tomlkit.exceptions.TOMLKitError:
        document.setdefault("tool", tomlkit.table(is_super_table=True))["nivis"] = {"toolchain": {"suite": suite}}
        return tomlkit.dumps(document)
    return addition


def suite_for(document: Mapping[str, object]) -> tuple[str, str]:
    """Return the newest Debian release, and its Python, that ``requires-python`` allows."""
    project = document.get("project")
    wanted = str(project.get("requires-python", "")) if isinstance(project, Mapping) else ""
    try:
        allowed = SpecifierSet(wanted)
    except InvalidSpecifier:
        return SUITES[0]
    # 3.13.5 rather than 3.13: '>3.13' and '<=3.13' are about the first release
    return next(((suite, python) for suite, python in SUITES if allowed.contains(f"{python}.5")), SUITES[0])


def new_pyproject(root: Path) -> str:
    """Return a pyproject.toml for a folder that has none."""
    template = read_tree(resource_folder("templates") / TEMPLATES[0])[PYPROJECT].decode()
    return rename_project(template, project_name(root))


def rename_project(text: str, name: str) -> str:
    """Return pyproject.toml with another [project] name."""
    document = tomlkit.parse(text)
    document["project"]["name"] = name
    return tomlkit.dumps(document)


def project_name(root: Path) -> str:
    """Return the folder's name as a project may be called (PyPA "Names and normalization")."""
    return re.sub(r"[^a-z0-9]+", "-", root.name.lower()).strip("-") or "experiments"


def next_commands(started: Started, directory: Path, *, in_git: bool = True) -> list[str]:
    """Return the commands that come next."""
    enter = [] if started.root == directory else [f"cd {shlex.quote(_shown(started.root, directory))}"]
    name = FIRST.get(started.template or "")
    if name:
        return [*enter, "nivis lock", f"nivis build {name}"]
    return [*enter, *([] if in_git else ["git init"]), "nivis new first-look", "nivis build"]


def _put_under_git(started: Started) -> tuple[bool, list[str]]:
    """Let git know of what was written; return whether it could, and what to tell. A new project gets a repository."""
    notes = []
    try:
        if not _in_work_tree(started.root):
            if started.template is None:
                return False, ["note: Nix sees only what git knows of, and there is no git repository here yet"]
            init_work_tree(started.root)
            notes.append("started a git repository")
    except HostError as problem:  # the files are there all the same
        return True, [f"note: {problem}"]
    added = intend_to_add(started.root, started.written)
    return True, [*notes, added_note(added)] if added else notes


def _in_work_tree(root: Path) -> bool:
    try:
        require_work_tree(root)
    except UsageError:
        return False
    return (root / ".git").exists() or not is_ignored(root)


def _headline(started: Started, directory: Path) -> str:
    place = _shown(started.root, directory)
    if started.template:
        return f"created {place} from the template '{started.template}'"
    if started.written:
        return f"adopted {place}: {', '.join(str(path) for path in started.written)}"
    return f"nothing to add: {place} is a nivis project"


def _shown(root: Path, directory: Path) -> str:
    if root == directory:
        return "this folder"
    return str(root.relative_to(directory)) if root.is_relative_to(directory) else str(root)


def _read(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.exists() else None


def _write_if_changed(path: Path, content: bytes) -> bool:
    if path.exists() and path.read_bytes() == content:
        return False
    write_atomically(path, content)
    return True
