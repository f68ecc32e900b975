"""``nivis doctor``: what this machine lacks, and the command that mends it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import click

from nivis.cli.checks import FAIL, OK, WARN, Check, conf_lines, run_checks, this_host
from nivis.cli.command import Command
from nivis.cli.session import Session
from nivis.cli.units import plural
from nivis.files import write_atomically
from nivis.nix.config import conf_files, inspect_machine

COLOURS = {OK: "green", WARN: "yellow", FAIL: "red"}


@click.command(
    "doctor",
    cls=Command,
    help="""Check what nivis needs on this machine; for each thing that is missing, show the command that mends it.

    Exits with status 3 if something necessary is missing.""",
    examples=[
        ("nivis doctor", "check"),
        ("nivis doctor --fix", "write what plain 'nix' needs to ~/.config/nix/nix.conf"),
        ("nivis doctor --fix --offline", "the same, for a machine without a way to public caches"),
    ],
)
@click.option("--fix", is_flag=True, help="Write your own nix.conf, so that plain 'nix' works too (never /etc).")
@click.pass_obj
def command(session: Session, fix: bool) -> int:
    """Run the checks and print them as they come."""
    written = _fix(session) if fix else None
    checks = []
    for check in run_checks(this_host(session.environ)):
        checks.append(check)
        session.say(line(check, colour=session.stderr.isatty()))
    session.say(verdict(checks))
    if session.json:
        fixed = {"file": str(written[0]), "lines": written[1]} if written else None
        session.answer({"checks": [asdict(check) for check in checks], "fixed": fixed})
    return 3 if any(check.status == FAIL for check in checks) else 0


def line(check: Check, *, colour: bool) -> str:
    """Return the line, or two, that tell of a check."""
    status = click.style(f"{check.status:<4}", fg=COLOURS[check.status]) if colour else f"{check.status:<4}"
    first = f"{status}  {check.name:<13}  {check.says}".rstrip()
    return f"{first}\n{'':<21}→ {check.fix}" if check.fix else first


def verdict(checks: Sequence[Check]) -> str:
    """Return the last line."""
    failed = sum(check.status == FAIL for check in checks)
    warned = sum(check.status == WARN for check in checks)
    if failed:
        return f"{plural(failed, 'necessary thing')} missing"
    return f"ready, {plural(warned, 'thing')} could be better" if warned else "ready"


def _fix(session: Session) -> tuple[Path, list[str]]:
    """Add to the user's nix.conf what plain nix lacks; return the file and the lines added."""
    lines = conf_lines(inspect_machine(session.environ), offline=session.offline)
    path = conf_files(session.environ)[-1]
    if lines:
        text = path.read_text(encoding="utf-8") if path.exists() else ""
        gap = "" if not text or text.endswith("\n") else "\n"
        write_atomically(path, (text + gap + "\n".join(["# nivis doctor --fix", *lines]) + "\n").encode())
        session.say(f"wrote to {path}: {'; '.join(lines)}")
    else:
        session.say(f"{path} needs nothing")
    return path, lines
