"""``nivis completion``, and what shells complete: experiments and steps.

Manifests are read with the standard library only and forgivingly: this runs at every press of the tab key.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click
from click.shell_completion import CompletionItem, get_completion_class

from nivis.cli.command import Command
from nivis.cli.session import Session
from nivis.errors import HostError

SHELLS = ("bash", "zsh", "fish")
DATE = re.compile(r"^\d{4}-\d{2}-\d{2}-")
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
    for folder in _experiment_folders(directory):
        manifest = _read(folder / "experiment.toml")
        table = _table(manifest, "experiment")
        name = str(table.get("name") or DATE.sub("", folder.name))
        if "." not in incomplete:
            if name.startswith(incomplete):
                yield name, str(table.get("title", ""))
        elif incomplete.startswith(f"{name}."):
            for step in _table(manifest, "steps"):
                if f"{name}.{step}".startswith(incomplete):
                    yield f"{name}.{step}", ""


def _experiment_folders(directory: Path) -> Iterator[Path]:
    root = next((f for f in (directory, *directory.parents) if (f / "pyproject.toml").is_file()), None)
    if root is None:
        return
    settings = _table(_table(_read(root / "pyproject.toml"), "tool"), "nivis")
    for manifest in (root / str(settings.get("experiments", "experiments"))).glob("*/experiment.toml"):
        yield manifest.parent


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
