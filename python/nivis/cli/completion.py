"""``nivis completion``, and what shells complete: experiments and steps.

Manifests are read with the standard library only and forgivingly: this runs at every press of the tab key.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

import click
from click.shell_completion import CompletionItem, get_completion_class

from nivis.cli.command import Command
from nivis.cli.session import Session
from nivis.errors import HostError
from nivis.manifest.experiment import name_from_folder
from nivis.manifest.params import parameter_names

SHELLS = ("bash", "zsh", "fish")
START = {
    "bash": "source <(nivis completion bash)",
    "zsh": "source <(nivis completion zsh)",
    "fish": "nivis completion fish > ~/.config/fish/completions/nivis.fish",
}


class Target(click.ParamType[str]):
    """An experiment or ``experiment.step`` (``steps``: only the latter); only completion looks at it here."""

    name = "what"

    def __init__(self, *, steps: bool = False) -> None:
        self.steps = steps

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """Offer experiments, and steps once an experiment is written."""
        session = ctx.find_object(Session)
        directory = session.directory if session else Path.cwd()
        return [
            CompletionItem(name, help=text) for name, text in sorted(targets(directory, incomplete, steps=self.steps))
        ]


def complete_with(
    offer: Callable[[Path, str], Iterator[str]],
) -> Callable[[click.Context, click.Parameter, str], list[CompletionItem]]:
    """Return a completion of an option from what ``offer`` yields for the session's directory."""

    def complete(ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        session = ctx.find_object(Session)
        return [CompletionItem(name) for name in offer(session.directory if session else Path.cwd(), incomplete)]

    return complete


def targets(directory: Path, incomplete: str, *, steps: bool = False) -> Iterator[tuple[str, str]]:
    """Yield what ``incomplete`` may become, with its title, in the project around ``directory``.

    Steps are offered once an experiment is written, with ``steps`` at once; profiles like experiments, and after
    ``x.train@`` the instances that the plan has.
    """
    for name, _, manifest in _experiments(_experiments_folder(directory)):
        title = str(_table(manifest, "experiment").get("title", ""))
        variants = {name: title, **{f"{name}-{p}": f"profile {p}" for p in _table(manifest, "profiles")}}
        for variant, text in variants.items():
            if "." not in incomplete and not steps:
                offered = [(variant, text)]
            elif "@" in incomplete:
                offered = [(f"{variant}.{instance}", "") for instance in _instances(directory, variant)]
            else:
                named = [*_table(manifest, "steps"), *(f"checks.{check}" for check in _table(manifest, "checks"))]
                offered = [(f"{variant}.{step}", "") for step in named]
            yield from (item for item in offered if item[0].startswith(incomplete))


def _instances(directory: Path, name: str) -> Iterator[str]:
    """Yield the instances of swept steps, as the plan has them."""
    try:
        plan = json.loads((_root(directory) / "nix/plans" / f"{name}.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return
    for step, planned in _table(plan, "steps").items():
        yield from (f"{step}@{label}" for label in _table(planned, "instances"))


def profiles(directory: Path, incomplete: str) -> Iterator[str]:
    """Yield the profiles of all experiments."""
    found = {p for _, _, manifest in _experiments(_experiments_folder(directory)) for p in _table(manifest, "profiles")}
    yield from sorted(name for name in found if name.startswith(incomplete))


def parameters(directory: Path, incomplete: str) -> Iterator[str]:
    """Yield the parameters of all experiments as ``-P`` takes them: ``model.c=``."""
    manifests = [manifest for _, _, manifest in _experiments(_experiments_folder(directory))]
    found = {name for manifest in manifests for name in parameter_names(_table(manifest, "params"))}
    yield from sorted(f"{name}=" for name in found if f"{name}=".startswith(incomplete))


def experiment_names(folder: Path) -> dict[str, str]:
    """Return the folders of the experiments below ``folder``, by the experiments' names."""
    return {name: manifest_folder.name for name, manifest_folder, _ in _experiments(folder)}


def _experiments(folder: Path) -> Iterator[tuple[str, Path, Mapping[str, Any]]]:
    for path in sorted(folder.glob("*/experiment.toml")):
        manifest = _read(path)
        name = _table(manifest, "experiment").get("name")
        yield str(name or name_from_folder(PurePosixPath(path.parent.name))), path.parent, manifest


def _root(directory: Path) -> Path:
    return next((f for f in (directory, *directory.parents) if (f / "pyproject.toml").is_file()), directory)


def _experiments_folder(directory: Path) -> Path:
    root = _root(directory)
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
