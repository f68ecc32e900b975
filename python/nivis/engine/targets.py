"""What the user names on the command line: experiments, steps and their instances."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from nivis.errors import UsageError, did_you_mean, raise_all
from nivis.plan.instances import Plan, step_of, swept


@dataclass(frozen=True, slots=True, order=True)
class Target:
    """An experiment, or one step of it: ``train``, ``train@c=0.1`` for an instance, ``checks.bills`` for a check."""

    experiment: str
    step: str | None = None

    def __str__(self) -> str:
        return self.experiment if self.step is None else f"{self.experiment}.{self.step}"


def parse_target(text: str) -> Target:
    """Read ``penguins``, ``penguins.train`` or ``penguins.train@c=0.1``."""
    experiment, dot, step = text.partition(".")
    return Target(experiment, step if dot else None)


def check_steps(targets: Sequence[Target], plans: Mapping[str, Plan], *, one: bool = False) -> None:
    """Raise UsageError for every target that names a step its plan does not have.

    With ``one``, also for a swept step: only one of its instances will do.
    """
    raise_all([problem for target in targets for problem in _problems(target, plans[target.experiment], one=one)])


def _problems(target: Target, plan: Plan, *, one: bool) -> Iterator[UsageError]:
    if target.step is None:
        return
    if target.step.startswith("checks."):
        name, known = target.step.removeprefix("checks."), plan.get("checks", {})
        if name not in known:
            hint = did_you_mean(name, known) or f"Declare it: [checks.{name}]."
            yield UsageError(f"no check named '{name}' in '{target.experiment}'", hint=hint)
        return
    step, label = step_of(target.step)
    labels = swept(plan).get(step, [])
    if step not in plan["steps"]:
        hint = did_you_mean(step, [*plan["steps"], *(f"checks.{name}" for name in plan.get("checks", {}))])
        yield UsageError(f"no step named '{step}' in '{target.experiment}'", hint=hint)
    elif label and not labels:
        hint = f"Say {target.experiment}.{step}."
        yield UsageError(f"step '{step}' of '{target.experiment}' is not swept: it has no instances", hint=hint)
    elif "@" in target.step and label not in labels:
        near = next(iter(get_close_matches(label, labels, n=1)), labels[0])
        hint = f"Did you mean '{target.experiment}.{step}@{near}'?"
        yield UsageError(f"step '{step}' of '{target.experiment}' has no instance '{label}'", hint=hint)
    elif one and labels and not label:
        hint = f"Name one: {target.experiment}.{step}@{labels[0]}."
        yield UsageError(f"step '{step}' of '{target.experiment}' has {len(labels)} instances", hint=hint)
