"""How commands behave: loaded when needed, global options anywhere on the line, an example in every help."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import click

from nivis.cli.commands import COMMANDS, Entry
from nivis.cli.session import Session
from nivis.errors import UsageError, did_you_mean

HELP_OPTIONS = {"help_option_names": ["-h", "--help"], "max_content_width": 100}


def _directory(context: click.Context, _parameter: click.Parameter, value: str | None) -> None:
    if value is None:
        return
    session = context.find_object(Session)
    assert session is not None
    folder = (session.directory / Path(value).expanduser()).resolve()
    if not folder.is_dir():
        raise UsageError(f"there is no folder '{value}'", where="-C", hint="Give the folder of the project.")
    session.directory = folder


def _flag(attribute: str) -> Callable[[click.Context, click.Parameter, bool], None]:
    def apply(context: click.Context, _parameter: click.Parameter, value: bool) -> None:
        if value:
            setattr(context.find_object(Session), attribute, True)

    return apply


def _verbosity(step: int) -> Callable[[click.Context, click.Parameter, int], None]:
    def apply(context: click.Context, _parameter: click.Parameter, value: int) -> None:
        session = context.find_object(Session)
        assert session is not None
        session.verbosity += step * value

    return apply


def global_options(*, hidden: bool) -> list[click.Parameter]:
    """Return the options that every command takes; each changes the session."""

    def option(*names: str, **settings: Any) -> click.Option:
        own = "global_" + names[-1].strip("-").lower()  # no command's own parameter has such a name
        return click.Option([*names, own], expose_value=False, hidden=hidden, **settings)

    folders = click.Path(file_okay=False)  # for completion; whether it exists is our own message
    return [
        option("-C", type=folders, metavar="DIR", callback=_directory, help="Run as if started in DIR."),
        option("--json", is_flag=True, callback=_flag("json"), help="Print one JSON document on standard output."),
        option("--offline", is_flag=True, callback=_flag("offline"), help="Never touch the network."),
        option("--debug", is_flag=True, callback=_flag("debug"), help="Show the traceback of a bug."),
        option("-q", "--quiet", count=True, callback=_verbosity(-1), help="Say only what went wrong."),
        option(
            "-v", "--verbose", count=True, callback=_verbosity(1), help="Say more: what steps print while they run."
        ),
    ]


class Command(click.Command):
    """A subcommand: takes the global options as well and shows examples in its help."""

    def __init__(self, *args: Any, examples: Sequence[tuple[str, str]] = (), **kwargs: Any) -> None:
        super().__init__(*args, **{"context_settings": HELP_OPTIONS, **kwargs})
        self.params += global_options(hidden=True)
        self.examples = tuple(examples)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the examples below the options."""
        with formatter.section("Examples"):
            formatter.write_dl(self.examples, col_max=44)
        formatter.write_paragraph()
        formatter.write_text("Everywhere: -C DIR, --json, --offline, --debug, -q, -v ('nivis --help').")


class LazyGroup(click.Group):
    """The ``nivis`` command: its subcommands are imported when they are called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names in the order of the table."""
        return [entry.name for entry in COMMANDS]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a subcommand."""
        entry = find_entry(cmd_name)
        if entry is None:
            return None
        command = import_module(f"nivis.cli.{entry.name}").command
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the subcommand; an unknown one names its nearest neighbour."""
        if find_entry(args[0]) is None and not ctx.resilient_parsing:
            hint = did_you_mean(args[0], [entry.name for entry in COMMANDS])
            raise UsageError(f"there is no command '{args[0]}'", hint=hint)
        return super().resolve_command(ctx, args)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands, then the options: commands are what people look for."""
        self.format_commands(ctx, formatter)
        click.Command.format_options(self, ctx, formatter)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands by section, each as an example."""
        width = max(len(entry.example) for entry in COMMANDS)
        for section in dict.fromkeys(entry.section for entry in COMMANDS):
            with formatter.section(section):
                formatter.write_dl([(e.example.ljust(width), e.summary) for e in COMMANDS if e.section == section])


def find_entry(name: str) -> Entry | None:
    """Return the table's entry for a command."""
    return next((entry for entry in COMMANDS if entry.name == name), None)
