"""``nivis completion``, and what shells complete: experiments and steps.

Manifests are read with the standard library only and forgivingly: this runs at every press of the tab key.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

import click
from click.shell_completion import CompletionItem, get_completion_class

from nivis.cli.command import Command
from nivis.cli.session import Session
from nivis.errors import HostError
from nivis.manifest.experiment import name_from_folder

SHELLS = ("bash", "zsh", "fish")
START = {
    "bash": "source <(nivis completion bash)",
    "zsh": "source <(nivis completion zsh)",
    "fish": "nivis completion fish > ~/.config/fish/completions/nivis.fish",
}


class Target(click.ParamType[str]):
    """An experiment or ``experiment.step``; only completion looks at it here."""

    name = "what"

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """Offer experiments, and steps once an experiment is written."""
        session = ctx.find_object(Session)
        directory = session.directory if session else Path.cwd()
        return [CompletionItem(name, help=text) for name, text in sorted(targets(directory, incomplete))]


def targets(directory: Path, incomplete: str) -> Iterator[tuple[str, str]]:
    """Yield what ``incomplete`` may become, with its title, in the project around ``directory``."""
    for name, _, manifest in _experiments(_experiments_folder(directory)):
        if "." not in incomplete:
            if name.startswith(incomplete):
                yield name, str(_table(manifest, "experiment").get("title", ""))
        elif incomplete.startswith(f"{name}."):
            for step in _table(manifest, "steps"):
                if f"{name}.{step}".startswith(incomplete):
                    yield f"{name}.{step}", ""


def experiment_names(folder: Path) -> dict[str, str]:
    """Return the folders of the experiments below ``folder``, by the experiments' names."""
    return {name: manifest_folder.name for name, manifest_folder, _ in _experiments(folder)}


def _experiments(folder: Path) -> Iterator[tuple[str, Path, Mapping[str, Any]]]:
    for path in sorted(folder.glob("*/experiment.toml")):
        manifest = _read(path)
        name = _table(manifest, "experiment").get("name")
        yield str(name or name_from_folder(PurePosixPath(path.parent.name))), path.parent, manifest


def _experiments_folder(directory: Path) -> Path:
    root = next((f for f in (directory, *directory.parents) if (f / "pyproject.toml").is_file()), directory)
    settings = _table(_table(_read(root / "pyproject.toml"), "tool"), "nivis")
    return root / str(settings.get("experiments", "experiments"))


def _table(parent: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = parent.get(key)
    return value if isinstance(value, dict) else {}


def _read(path: Path) -> Mapping[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}


@click.command(
    "completion",
    cls=Command,
    help="Print the completion script of a shell: commands, options, experiments and steps.",
    examples=[(START[shell], f"for {shell}") for shell in SHELLS],
)
@click.argument("shell", type=click.Choice(SHELLS))
@click.pass_context
def command(context: click.Context, shell: str) -> None:
    """Print the script that click has for the shell."""
    kind = get_completion_class(shell)
    if kind is None:
        raise HostError(f"the installed click cannot complete for {shell}", hint="Install nivis again.")
    root = context.find_root().command
    print(kind(root, {}, "nivis", "_NIVIS_COMPLETE").source())
