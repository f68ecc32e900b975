"""Changes with what stands behind them: lines of code, files of a folder, and why a step before it changed."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from nivis.engine.checks import test_node
from nivis.engine.recipes.differ import Change, differences
from nivis.engine.recipes.places import Place
from nivis.engine.recipes.recipe import Recipe
from nivis.plan.instances import step_of

Pair = tuple[Recipe | None, Recipe | None]  # a step's recipe before and after


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """A change; ``lines`` are those of a text's difference, first the one that says where (``@ 12``)."""

    change: Change
    lines: tuple[str, ...] = ()
    note: str = ""  # where there are no lines: what is known all the same
    because: tuple[Reason, ...] = ()  # of a step before it
    instances: tuple[str, ...] = ()  # those of a swept step before it that changed


class Explainer:
    """Explains the changes of one experiment's steps; ``pair`` gives the recipes of a step before and after."""

    def __init__(
        self, experiment: str, old: Place, new: Place, pair: Callable[[str], Pair], labels: Mapping[str, Sequence[str]]
    ) -> None:
        self.experiment = experiment
        self.old = old
        self.new = new
        self.pair = pair
        self.labels = labels  # of swept steps
        self._told: set[str] = set()
        self._texts: dict[Change, Reason] = {}

    def explain(self, name: str) -> list[Reason]:
        """Return why a step is another one; nothing if it is not, or one side is not known."""
        before, after = self.pair(name)
        if before is None or after is None:
            return []
        label = step_of(name)[1]
        return [self._reason(change, label, after) for change in differences(before, after)]

    def _reason(self, change: Change, label: str, after: Recipe) -> Reason:
        if change.kind == "upstream":
            return self._upstream(change, label, after)
        if change not in self._texts:
            self._texts[change] = self._detailed(change)
        return self._texts[change]

    def _detailed(self, change: Change) -> Reason:
        if change.kind == "code" and change.old is not None and change.new is not None:
            return self._code(change)
        if change.kind == "command" and change.old is not None and change.new is not None:
            return Reason(change=change, lines=changed_lines(change.old, change.new))
        if change.kind == "data" and change.old and change.new:
            return Reason(change=change, lines=self._folder(change))
        return Reason(change=change)

    def _code(self, change: Change) -> Reason:
        old = self.old.content(change.what, change.old or "")
        new = self.new.content(change.what, change.new or "")
        if old is None or new is None:
            return Reason(change=change, note="its former text is gone" if old is None else "")
        if old == new:
            return Reason(change=change, note="only whether it is executable")
        try:
            return Reason(change=change, lines=changed_lines(old.decode(), new.decode()))
        except UnicodeDecodeError:
            return Reason(change=change, note=f"{len(old):,} bytes became {len(new):,}")

    def _folder(self, change: Change) -> tuple[str, ...]:
        """Return the files of a folder of data that differ."""
        before = self.old.listing(self.experiment, change.what, change.old or "")
        after = self.new.listing(self.experiment, change.what, change.new or "")
        if before is None or after is None:
            return ()
        names = sorted({*before, *after})
        mark = {True: "~", False: "+"}
        return tuple(
            f"{mark[name in before] if name in after else '-'} {name}"
            for name in names
            if before.get(name) != after.get(name)
        )

    def _upstream(self, change: Change, label: str, after: Recipe) -> Reason:
        """Explain a step before it: of a swept one that is gathered, the first of its instances that changed."""
        name = f"{change.what}@{label}" if change.what in after.section("along") else change.what
        if change.old is None or change.new is None:
            return Reason(change=change)
        instances: tuple[str, ...] = ()
        if name in self.labels:
            instances = tuple(label for label in self.labels[name] if self._differs(f"{name}@{label}"))
            name = f"{name}@{instances[0]}" if instances else name
        name = test_node(name)  # what a check says follows from its test
        if name in self._told:
            return Reason(change=change, note="as above", instances=instances)
        self._told.add(name)
        return Reason(change=change, because=tuple(self.explain(name)), instances=instances)

    def _differs(self, name: str) -> bool:
        before, after = self.pair(name)
        return before is not None and after is not None and before.digest != after.digest


def changed_lines(old: str, new: str) -> tuple[str, ...]:
    """Return the lines that differ, as ``diff -u0`` has them; each group after ``@ LINE`` of the new text."""
    lines = []
    for line in difflib.unified_diff(old.splitlines(), new.splitlines(), n=0, lineterm=""):
        if line.startswith("@@"):
            lines.append(f"@ {line.split('+')[1].split(',')[0].split(' ')[0]}")
        elif not line.startswith(("---", "+++")):
            lines.append(line)
    return tuple(lines)
