"""Errors as people and programs read them (pure)."""

from __future__ import annotations

import textwrap

import click

from nivis.errors import NivisError, UsageError, did_you_mean

NARROWEST = 40


def error_text(error: NivisError, *, width: int | None) -> str:
    """Return the lines for standard error; ``width`` in columns wraps and colours them, None means no terminal."""
    label = "nivis: "
    if width is None:
        return "\n".join(label + str(part) for part in error.parts())
    red = click.style(label, fg="red", bold=True)
    return "\n".join(red + _wrapped(part, max(width, NARROWEST), len(label)) for part in error.parts())


def _wrapped(error: NivisError, width: int, label: int) -> str:
    """Wrap the sentence, which follows a label, and the next move; quoted lines of a log stay as they are."""
    first, *quoted = str(error).split("\n")
    move = _wrap(quoted.pop(), width, indent="") if error.lines else []
    return "\n".join(["\n".join(_wrap(first, width, indent=" " * label))[label:], *quoted, *move])


def _wrap(text: str, width: int, *, indent: str) -> list[str]:
    return textwrap.wrap(
        text,
        width - 1,
        initial_indent=indent,
        subsequent_indent="  ",
        break_long_words=False,
        break_on_hyphens=False,
    )


def error_document(error: NivisError) -> dict[str, object]:
    """Return what ``--json`` prints for an error."""
    parts = [_document(part) for part in error.parts()]
    return {"error": parts[0]} if len(parts) == 1 else {"error": parts[0], "problems": parts}


def _document(error: NivisError) -> dict[str, object]:
    document: dict[str, object] = {"where": error.where, "what": error.what, "hint": error.hint}
    return {**document, "lines": list(error.lines)} if error.lines else document


def from_click(error: click.ClickException) -> UsageError:
    """Return wrong usage in nivis's voice: lower case, the command as its place, the help as its next move."""
    context = getattr(error, "ctx", None)
    path = context.command_path if context else "nivis"
    where = path.removeprefix("nivis").strip()
    if isinstance(error, click.NoSuchOption):
        near = did_you_mean(error.option_name, error.possibilities or ())
        hint = near or f"Run '{path} --help' to see what it takes."
        return UsageError(f"there is no option '{error.option_name}'", where=where, hint=hint)
    message = error.format_message().strip().rstrip(".")
    return UsageError(message[:1].lower() + message[1:], where=where, hint=f"Run '{path} --help' to see what it takes.")
