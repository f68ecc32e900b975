"""References in commands: ``${data.x}``, ``${steps.x}``, ``${params.a.b}``, ``${matrix.c}``, ``${item}``, ``${out}``.

They are replaced before the shell sees the text, and they are the dependency graph. ``$${`` is a literal ``${``.
What bash can mean passes through: ``$HOME``, ``${name}``, ``${name:-default}``, ``${name%.*}``; ``${name.…}`` is an
error in bash, so it is always one of ours. In a comment of a script nothing is a reference.

A command becomes fragments: a string, ``{"data": name}``, ``{"step": name}``, ``{"out": true}``, or ``{"text": n}``:
the n-th of the texts in which instances of a swept step differ. What a fan-out runs over is known only later:
``${item}`` and ``${item.name}`` become variables, NIVIS_ITEM and NIVIS_ITEM_name.
``{"library": name}`` is a program of lib/.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from nivis.errors import NivisError
from nivis.manifest.model import Value
from nivis.plan.matrix import Sweep
from nivis.plan.shell import Quote

Fragment = str | dict[str, str | bool | int]
Argument = list[Fragment] | dict[str, list[Fragment]]  # {"raw": …}: words, for the shell to split

_REFERENCE = re.compile(
    r"(?P<escape>\$\$\{)|\$\{(?P<word>out|item)\}|\$\{(?P<kind>[A-Za-z_][A-Za-z0-9_]*)\.(?P<rest>[^}\n]*)(?P<close>\}?)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """One reference as written."""

    text: str  # "${steps.clean}"
    kind: str  # "steps"; "out" and "item" have no path
    path: str  # "clean"
    closed: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What a command of one step may refer to."""

    step: str
    steps: Collection[str]
    data: Collection[str]
    params: Mapping[str, Value]
    sweeps: Mapping[str, Sweep] = field(default_factory=dict)  # by step

    @property
    def sweep(self) -> Sweep | None:
        """Return the sweep of the step itself."""
        return self.sweeps.get(self.step)

    def gathers(self, step: str) -> bool:
        """Tell whether a reference to ``step`` stands for all of its instances."""
        own, other = self.sweep, self.sweeps.get(step)
        return other is not None and (own is None or own.root != other.root)


@dataclass(frozen=True, slots=True)
class Slot:
    """A place whose text is another one in every instance."""

    reference: Reference
    quote: Quote | None  # None: part of an argument, where nothing is quoted


@dataclass(slots=True, kw_only=True)
class Rendered:
    """A command with its references resolved, and what it referred to."""

    script: list[Fragment] = field(default_factory=list)
    argv: list[Argument] = field(default_factory=list)
    slots: dict[Slot, int] = field(default_factory=dict)  # numbered
    data: set[str] = field(default_factory=set)
    steps: set[str] = field(default_factory=set)
    params: set[tuple[str, ...]] = field(default_factory=set)
    items: set[str] = field(default_factory=set)  # keys of the item; "" is the item itself
    problems: list[tuple[str, NivisError]] = field(default_factory=list)  # with the text to look for


def parse(text: str) -> list[str | Reference]:
    """Split ``text`` into literals and references."""
    pieces: list[str | Reference] = []
    literal, last = "", 0
    for match in _REFERENCE.finditer(text):
        literal += text[last : match.start()]
        last = match.end()
        if match["escape"]:
            literal += "${"
            continue
        if literal:
            pieces.append(literal)
            literal = ""
        kind, path = match["word"] or match["kind"], match["rest"] or ""
        pieces.append(Reference(text=match[0], kind=kind, path=path, closed=bool(match["word"] or match["close"])))
    literal += text[last:]
    return [*pieces, literal] if literal else pieces
