"""What a project consists of in the store: the JSON that ``lib/inventory.nix`` evaluates to, as values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from nivis.plan.instances import step_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """A derivation and its output, both as store paths."""

    drv: str
    out: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StepItem(Item):
    """A step or an instance, and where its output stands by its content, if its record says what that is."""

    content: str | None = None

    @property
    def key(self) -> str:
        """Return what its record goes by: the hash part of its store path."""
        return key_of(self.out)

    @property
    def handed(self) -> str:
        """Return what successors get."""
        return self.content or self.out


@dataclass(frozen=True, slots=True, kw_only=True)
class ListItem(Item):
    """The list that a step is fanned out over: its items by label, with the store path of each that is a file."""

    files: Mapping[str, str | None] | None = None  # None: not known yet

    @property
    def key(self) -> str:
        """Return what its record goes by."""
        return key_of(self.out)


@dataclass(frozen=True, slots=True, kw_only=True)
class WheelItem:
    """A wheel: the archive (a fixed output) and the unpacked, compiled store path."""

    file: str
    archive: str
    out: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DataItem:
    """A data set's store path; ``archive`` is the published package that it is taken from."""

    out: str
    archive: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RootItem:
    """Tools, installed; ``debs`` are the packages that it is made from, in the order of the lock."""

    drv: str
    out: str
    debs: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)  # without slots: the labels are found once
class ExperimentItem:
    """An experiment's result, its steps and its data; the result is known when every step is."""

    result: Item | None
    steps: Mapping[str, StepItem]  # instances as train@c=0.1, checks as checks.x (test) and checks.x, their verdicts
    data: Mapping[str, DataItem]
    pending: tuple[str, ...] = ()  # steps of which nothing is known before another one has run
    joined: Mapping[str, Item] = field(default_factory=dict)  # of several instances the folder of all of them
    lists: Mapping[str, ListItem] = field(default_factory=dict)  # of steps that are fanned out

    @cached_property
    def labels(self) -> Mapping[str, Sequence[str]]:
        """Return the labels of every step that has instances and is known."""
        found: dict[str, list[str]] = {name: [] for name in self.joined}
        for name in self.steps:
            step, label = step_of(name)
            if label:
                found[step].append(label)
        return found

    def instances(self, step: str) -> Sequence[str]:
        """Return the names of a step's instances: itself if it has none."""
        return [f"{step}@{label}" for label in self.labels[step]] if step in self.labels else [step]


@dataclass(frozen=True, slots=True, kw_only=True)
class Inventory:
    """Every store path that a build needs or makes."""

    base: str | None  # the toolchain's tree before patching; None where nixpkgs provides the toolchain
    toolchain: Item | None
    environment: Item
    shell: Item
    wheels: tuple[WheelItem, ...]
    experiments: Mapping[str, ExperimentItem]
    tables: Item | None = None  # the environment that rules for tables are tested with
    roots: Mapping[str, RootItem] = field(default_factory=dict)  # of the experiments' steps, by their tools

    def paths(self) -> Iterator[str]:
        """Yield every store path once or more often."""
        yield from self.given()
        for experiment in self.experiments.values():
            yield from experiment_paths(experiment)

    def given(self) -> Iterator[str]:
        """Yield the store paths of what is no step's output."""
        yield from (path for path in (self.base,) if path)
        yield from (item.out for item in (self.toolchain, self.environment, self.tables) if item)
        for wheel in self.wheels:
            yield from (wheel.archive, wheel.out)
        for root in self.roots.values():
            yield from (root.out, *root.debs)
        for experiment in self.experiments.values():
            for data in experiment.data.values():
                yield from (path for path in (data.out, data.archive) if path)

    def step_labels(self) -> dict[str, str]:
        """Return what people call each step and instance."""
        return {
            step.drv: f"{name}.{step_name}"
            for name, experiment in self.experiments.items()
            for step_name, step in experiment.steps.items()
        }

    def labels(self) -> dict[str, str]:
        """Return what people call each derivation: ``penguins.train`` for a step."""
        found = self.step_labels() | {self.environment.drv: "python environment"}
        if self.toolchain:
            found[self.toolchain.drv] = "toolchain"
        if self.tables:
            found[self.tables.drv] = "environment for checks of tables"
        found.update({root.drv: f"tools ({tools})" for tools, root in self.roots.items()})
        for name, experiment in self.experiments.items():
            if experiment.result:
                found[experiment.result.drv] = f"{name} (result)"
            found.update({item.drv: f"{name}.{step} (all instances)" for step, item in experiment.joined.items()})
            found.update({item.drv: f"{name}.{step} (list of items)" for step, item in experiment.lists.items()})
        return found


def decode(raw: Mapping[str, Any]) -> Inventory:
    """Read the JSON document."""
    return Inventory(
        base=raw["base"],
        toolchain=Item(**raw["toolchain"]) if raw["toolchain"] else None,
        environment=Item(**raw["environment"]),
        shell=Item(**raw["shell"]),
        wheels=tuple(WheelItem(**wheel) for wheel in raw["wheels"]),
        experiments={name: _experiment(entry) for name, entry in raw["experiments"].items()},
        tables=Item(**raw["tables"]) if raw.get("tables") else None,
        roots={
            tools: RootItem(drv=root["drv"], out=root["out"], debs=tuple(root["debs"]))
            for tools, root in raw["roots"].items()
        },
    )


def experiment_paths(experiment: ExperimentItem) -> Iterator[str]:
    """Yield the store paths that an experiment makes or hands on."""
    if experiment.result:
        yield experiment.result.out
    for step in experiment.steps.values():
        yield step.out
        if step.content:
            yield step.content
    yield from (item.out for item in (*experiment.joined.values(), *experiment.lists.values()))
    for listed in experiment.lists.values():
        yield from (path for path in (listed.files or {}).values() if path)


def key_of(path: str) -> str:
    """Return the hash part of a store path."""
    return path[11:43]


def _experiment(raw: Mapping[str, Any]) -> ExperimentItem:
    return ExperimentItem(
        result=Item(**raw["result"]) if raw["result"] else None,
        pending=tuple(raw["pending"]),
        steps={name: StepItem(**step) for name, step in raw["steps"].items()},
        joined={name: Item(**step) for name, step in raw["joined"].items()},
        lists={name: ListItem(**item) for name, item in raw["lists"].items()},
        data={name: DataItem(**data) for name, data in raw["data"].items()},
    )
