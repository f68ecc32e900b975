"""What a project consists of in the store: the JSON that ``lib/inventory.nix`` evaluates to, as values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """A derivation and its output, both as store paths."""

    drv: str
    out: str


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


@dataclass(frozen=True, slots=True, kw_only=True)
class ExperimentItem:
    """An experiment's result, its steps and its data."""

    drv: str
    out: str
    steps: Mapping[str, Item]  # of a swept step the instances: train@c=0.1
    data: Mapping[str, DataItem]
    joined: Mapping[str, Item] = field(default_factory=dict)  # of a swept step the folder of all its instances

    def item(self, step: str | None) -> Item:
        """Return a step, an instance or all instances of one; None is the result."""
        if step is None:
            return Item(drv=self.drv, out=self.out)
        return self.joined[step] if step in self.joined else self.steps[step]


@dataclass(frozen=True, slots=True, kw_only=True)
class Inventory:
    """Every store path that a build needs or makes."""

    base: str | None  # the toolchain's tree before patching; None where nixpkgs provides the toolchain
    toolchain: Item | None
    environment: Item
    shell: Item
    wheels: tuple[WheelItem, ...]
    experiments: Mapping[str, ExperimentItem]
    roots: Mapping[str, RootItem] = field(default_factory=dict)  # of the experiments' steps, by their tools

    def paths(self) -> Iterator[str]:
        """Yield every store path once or more often."""
        yield from (path for path in (self.base,) if path)
        yield from (item.out for item in (self.toolchain, self.environment) if item)
        for wheel in self.wheels:
            yield from (wheel.archive, wheel.out)
        for root in self.roots.values():
            yield from (root.out, *root.debs)
        for experiment in self.experiments.values():
            yield experiment.out
            yield from (step.out for step in (*experiment.steps.values(), *experiment.joined.values()))
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
        found.update({root.drv: f"tools ({tools})" for tools, root in self.roots.items()})
        for name, experiment in self.experiments.items():
            found[experiment.drv] = f"{name} (result)"
            found.update({item.drv: f"{name}.{step} (all instances)" for step, item in experiment.joined.items()})
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
        roots={
            tools: RootItem(drv=root["drv"], out=root["out"], debs=tuple(root["debs"]))
            for tools, root in raw["roots"].items()
        },
    )


def _experiment(raw: Mapping[str, Any]) -> ExperimentItem:
    return ExperimentItem(
        drv=raw["drv"],
        out=raw["out"],
        steps={name: Item(**step) for name, step in raw["steps"].items()},
        joined={name: Item(**step) for name, step in raw["joined"].items()},
        data={name: DataItem(**data) for name, data in raw["data"].items()},
    )
