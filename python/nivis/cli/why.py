"""``nivis why``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import click

from nivis.cli.command import Command
from nivis.cli.completion import Target
from nivis.cli.session import Session
from nivis.cli.units import plural
from nivis.engine.recipes.differ import Change
from nivis.engine.recipes.reasons import Reason
from nivis.engine.recipes.why import Answer, why
from nivis.engine.targets import parse_target
from nivis.progress import Silent

LINES = 16  # of one text's difference
PACKAGES = 8  # of an environment
NAMED = 3  # instances
INDENT = 13  # where the second column begins


@click.command(
    "why",
    cls=Command,
    help="""Say why a step would run again, or why it last ran: which of its inputs changed, from what to what.

    COMMITS compares with a commit instead of the last build (HEAD), or two commits (main..feature): their plans,
    nivis.lock and files, as they were committed.""",
    examples=[
        ("nivis why penguins.train", "since its last build"),
        ("nivis why penguins.train HEAD", "since the last commit"),
        ("nivis why penguins.train main..feature", "between two commits"),
        ("nivis why penguins.train@c=0.1", "one instance of a swept step"),
    ],
)
@click.argument("step", type=Target(steps=True), metavar="EXPERIMENT.STEP")
@click.argument("commits", required=False, default="", metavar="[COMMITS]")
@click.pass_obj
def command(session: Session, step: str, commits: str) -> None:
    """Explain a step of the project around the session's directory."""
    answer = why(session.workspace(Silent()), parse_target(step), commits)
    if session.json:
        session.answer(document(answer))
        return
    for line in text(answer):
        print(line, file=session.stdout)


# ------------------------------------------------------------------------------------------------- text


def text(answer: Answer) -> Iterator[str]:
    """Yield what people read."""
    yield _heading(answer)
    folder = f"{answer.folder}/"
    for group in answer.groups:
        indent = "  "
        if group.labels != ("",) and len(answer.groups) + bool(answer.added) > 1:
            yield f"  {_named(group.labels)}:"
            indent = "    "
        yield from _reasons(group.reasons, indent, folder)
    if answer.added and answer.added != ("",) and (answer.groups or answer.past or not answer.state):
        yield f"  {_named(answer.added)}: {'not built yet' if answer.state else 'new'}"
    if answer.removed and answer.removed != ("",):
        yield f"  {_named(answer.removed)}: not there any more"


def _heading(answer: Answer) -> str:
    name, new = str(answer.target), any(group.reasons for group in answer.groups)
    if not answer.state:
        return _between(answer, name, changed=new)
    if answer.past or not (new or answer.added):
        ran = "It last ran because of:" if new else "Nothing of it has changed since nivis keeps track."
        return f"{_now(answer, name)}. {ran}"
    if not answer.groups:
        never = "failed, and has never been built here" if answer.state == "failed" else "has not been built here yet"
        what = f"{name} {never}: there is nothing to compare with"
        return f"{what}. Name a commit: nivis why {name} HEAD."
    if answer.state == "failed":
        return f"{name} failed when it last ran. Since it was built, these changed:"
    if answer.state == "frozen":
        return f"{name} is frozen: it does not run, though these changed since it was built:"
    if answer.state == "built":
        return f"{name} is in the store with its present recipe. Since nivis last built it here, these changed:"
    kinds = {reason.change.kind for group in answer.groups for reason in group.reasons}
    if kinds == {"upstream"}:
        return f"{name} would run again, unless it is given the same as before. These changed:"
    return f"{name} would run again, since these changed:"


def _between(answer: Answer, name: str, *, changed: bool) -> str:
    sides = f"from {answer.old} to {answer.new}"
    if answer.added == ("",) or answer.removed == ("",):
        return f"{name} is {'new' if answer.added else 'gone'} {sides}."
    if changed or answer.added or answer.removed:
        return f"{name} {sides}:"
    return f"{name} is made from the same {sides}: it would not run again."


def _now(answer: Answer, name: str) -> str:
    return {
        "built": f"{name} is up to date",
        "failed": f"{name} failed when it last ran, with a recipe that was built before",
        "frozen": f"{name} is frozen and up to date",
    }.get(
        answer.state,
        f"{name} has the recipe of its last build, but its output is gone from the store, so it would run again",
    )


def _named(labels: Sequence[str]) -> str:
    shown = ", ".join(labels[:NAMED]) + (", …" if len(labels) > NAMED else "")
    return f"{plural(len(labels), 'instance')} ({shown})" if len(labels) > 1 else shown


def _reasons(reasons: Sequence[Reason], indent: str, folder: str) -> Iterator[str]:
    counts: dict[str, int] = {}
    shown = ""  # the kind that stands above, as long as nothing is nested between
    for reason in reasons:
        kind = reason.change.kind
        counts[kind] = counts.get(kind, 0) + 1
        if kind in {"environment", "toolchain", "sweep"} and counts[kind] > PACKAGES:
            continue
        yield f"{indent}{kind if kind != shown else '':<{INDENT}}{_sentence(reason, folder)}"
        yield from _below(reason, indent, folder)
        shown = "" if reason.because else kind
    for kind, count in counts.items():
        if kind in {"environment", "toolchain", "sweep"} and count > PACKAGES:
            yield f"{indent}{'':<{INDENT}}and {count - PACKAGES} more of {kind}"


def _below(reason: Reason, indent: str, folder: str) -> Iterator[str]:
    more = indent + " " * (INDENT + 2)
    changed = [line for line in reason.lines if not line.startswith("@ ")]
    shown = 0
    numbered = sum(line.startswith("@ ") for line in reason.lines) > 1
    for line in reason.lines:
        if shown >= LINES:
            yield f"{more}… and {plural(len(changed) - shown, 'line')} more"
            break
        if not line.startswith("@ "):
            shown += 1
            yield f"{more}{line}"
        elif numbered:
            yield f"{more}line {line[2:]}"
    yield from _reasons(reason.because, indent + "  ", folder)


def _sentence(reason: Reason, folder: str) -> str:
    change = reason.change
    what = change.what.removeprefix(folder)
    note = f" ({reason.note})" if reason.note else ""
    if change.kind == "code":
        return f"{what}{_code(reason)}{note}"
    if change.kind == "command":
        return f"the command{_at(reason)}"
    if change.kind == "upstream":
        return _upstream(reason, what)
    if change.kind == "sweep" and "@" in what:
        return f"{what} is {'new' if change.old is None else 'gone'} among what it gathers"
    if change.kind == "library":
        return f"nivis itself: {what} is another one"
    values = _values(change)
    return f"{values.removeprefix(': ') if what == change.kind else what + values}{note}"


def _code(reason: Reason) -> str:
    change = reason.change
    if change.old is None or change.new is None:
        return " is new among its files" if change.old is None else " is not among its files any more"
    return _at(reason)


def _at(reason: Reason) -> str:
    places = [line[2:] for line in reason.lines if line.startswith("@ ")]
    return f", line {places[0]}" if len(places) == 1 else ""


def _upstream(reason: Reason, what: str) -> str:
    change = reason.change
    if change.old is None or change.new is None:
        return f"{what} is new among what it reads" if change.old is None else f"{what} is not read any more"
    which = f" ({_named(reason.instances)})" if reason.instances else ""
    return (
        f"{what}{which}, {reason.note}" if reason.note else f"{what}{which}{', because of:' if reason.because else ''}"
    )


def _values(change: Change) -> str:
    old, new = _shown(change, change.old), _shown(change, change.new)
    if change.old is None:
        return f" {new} is new" if change.kind in {"environment", "toolchain"} else f": {new} is new"
    if change.new is None:
        return f" {old} is gone" if change.kind in {"environment", "toolchain"} else f": {old} is gone"
    if change.kind in {"environment", "toolchain"}:
        return f" {old} → {new}" if old != new else f" {old}: another file of that version"
    return f": {old} → {new}"


def _shown(change: Change, value: str | None) -> str:
    """Return a value as people know it: versions without hashes, hashes shortened."""
    if value is None:
        return ""
    if change.kind in {"environment", "toolchain"}:
        return value.partition(" ")[0]
    if change.kind == "data":
        digest = value.partition(" ")[0].removeprefix("sha256-")
        return digest[:10] + "…"
    return value if len(value) <= 80 else f"{value[:60]}… ({len(value)} characters)"


# ------------------------------------------------------------------------------------------------- JSON


def document(answer: Answer) -> dict[str, object]:
    """Return the answer for programs."""
    groups = [
        {"instances": [label for label in group.labels if label], "reasons": [_document(r) for r in group.reasons]}
        for group in answer.groups
    ]
    more = {"state": answer.state, "added": [*filter(None, answer.added)], "removed": [*filter(None, answer.removed)]}
    return {
        "step": str(answer.target),
        "from": answer.old,
        "to": answer.new,
        "changed": not answer.past and any(group.reasons for group in answer.groups),
        "groups": groups,
        **{key: value for key, value in more.items() if value},
    }


def _document(reason: Reason) -> dict[str, object]:
    change = reason.change
    more: dict[str, object] = {
        "lines": list(reason.lines),
        "note": reason.note,
        "instances": list(reason.instances),
        "because": [_document(inner) for inner in reason.because],
    }
    found = {"kind": change.kind, "what": change.what, "old": change.old, "new": change.new}
    return {**found, **{key: value for key, value in more.items() if value}}
