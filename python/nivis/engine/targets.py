"""What the user names on the command line: experiments and steps."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from nivis.errors import UsageError, did_you_mean, raise_all


@dataclass(frozen=True, slots=True, order=True)
class Target:
    """An experiment, or one step of it."""

    experiment: str
    step: str | None = None

    def __str__(self) -> str:
        return self.experiment if self.step is None else f"{self.experiment}.{self.step}"


def parse_target(text: str) -> Target:
    """Read ``penguins`` or ``penguins.train``."""
    experiment, dot, step = text.partition(".")
    return Target(experiment, step if dot else None)


def check_steps(targets: Sequence[Target], steps: Mapping[str, Collection[str]]) -> None:
    """Raise UsageError for every target that names a step its experiment does not have."""
    raise_all(
        [
            UsageError(
                f"no step named '{target.step}' in '{target.experiment}'",
                hint=did_you_mean(target.step, steps[target.experiment]),
            )
            for target in targets
            if target.step is not None and target.step not in steps[target.experiment]
        ]
    )
