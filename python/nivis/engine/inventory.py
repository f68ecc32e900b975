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
class CheckItem:
    """A check, whose output says what was found, and its verdict, which fails where it does not hold."""

    drv: str
    out: str
    verdict: Item


@dataclass(frozen=True, slots=True, kw_only=True)
class ExperimentItem:
    """An experiment's result, its steps and its data."""

    drv: str
    out: str
    steps: Mapping[str, Item]  # of a swept step the instances: train@c=0.1
    data: Mapping[str, DataItem]
    joined: Mapping[str, Item] = field(default_factory=dict)  # of a swept step the folder of all its instances

    checks: Mapping[str, CheckItem] = field(default_factory=dict)

    def item(self, step: str | None) -> Item:
        """Return a step, an instance or all instances of one, or a check (``checks.x``); None is the result."""
        if step is None:
            return Item(drv=self.drv, out=self.out)
        if step.startswith("checks."):
            check = self.checks[step.removeprefix("checks.")]
            return Item(drv=check.drv, out=check.out)
        return self.joined[step] if step in self.joined else self.steps[step]

    def to_build(self, step: str | None) -> str:
        """Return the derivation that fails where the item does: of a check its verdict."""
        if step is not None and step.startswith("checks."):
            return self.checks[step.removeprefix("checks.")].verdict.drv
        return self.item(step).drv


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

    def paths(self) -> Iterator[str]:
        """Yield every store path once or more often."""
        yield from (path for path in (self.base,) if path)
        yield from (item.out for item in (self.toolchain, self.environment, self.tables) if item)
        for wheel in self.wheels:
            yield from (wheel.archive, wheel.out)
        for experiment in self.experiments.values():
            yield experiment.out
            yield from (step.out for step in (*experiment.steps.values(), *experiment.joined.values()))
            yield from (path for check in experiment.checks.values() for path in (check.out, check.verdict.out))
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
        for name, experiment in self.experiments.items():
            for check_name, check in experiment.checks.items():
                label = f"{name}.checks.{check_name}"
                found |= {check.drv: label, check.verdict.drv: f"{label} (verdict)"}
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
        tables=Item(**raw["tables"]) if raw.get("tables") else None,
    )


def _experiment(raw: Mapping[str, Any]) -> ExperimentItem:
    return ExperimentItem(
        drv=raw["drv"],
        out=raw["out"],
        steps={name: Item(**step) for name, step in raw["steps"].items()},
        joined={name: Item(**step) for name, step in raw["joined"].items()},
        data={name: DataItem(**data) for name, data in raw["data"].items()},
        checks={name: _check(check) for name, check in raw.get("checks", {}).items()},
    )


def _check(raw: Mapping[str, Any]) -> CheckItem:
    return CheckItem(drv=raw["drv"], out=raw["out"], verdict=Item(**raw["verdict"]))
