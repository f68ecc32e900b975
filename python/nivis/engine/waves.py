"""What of an experiment can run now, from what is recorded and what is in the store (pure).

A step's recipe is final when every step that it needs has a record: only then does it say what the step will be given.
Nothing runs before its recipe is final, so that a step whose inputs have come out with the same bytes as before is not
run at all. Steps of which all successors are in place are not needed, and are left alone.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from nivis.engine.inventory import ExperimentItem, ListItem, StepItem
from nivis.plan.instances import LIST, Plan, needs, step_of
from nivis.plan.order import order_of_plan


@dataclass(slots=True, kw_only=True)
class Wave:
    """What is to be done next, by the names of instances, or of lists."""

    run: list[str] = field(default_factory=list)
    take: list[str] = field(default_factory=list)  # in the store already: to be recorded, or handed over again
    later: list[str] = field(default_factory=list)  # what waits for others, as far as it is known
    blocked: set[str] = field(default_factory=set)  # by what failed
    failed: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)  # frozen, and not in the store

    @property
    def is_empty(self) -> bool:
        """Tell whether everything that is wanted is in place."""
        return not (self.run or self.take or self.later or self.blocked or self.failed or self.lost)


class Survey:
    """Looks at one experiment. ``records``: recipes that have one; ``valid``: store paths; the others: instances."""

    def __init__(
        self,
        plan: Plan,
        item: ExperimentItem,
        records: Collection[str],
        frozen: Collection[str],
        valid: Collection[str],
        failed: Collection[str] = (),
    ) -> None:
        self.plan = plan
        self.item = item
        self.records = records
        self.frozen = frozen
        self.valid = valid
        self.failed = failed
        self._wanted: dict[str, dict[str, None]] = {}  # by step
        self._there: set[str] = set()  # of what is wanted: what is in place

    def want(self, steps: Sequence[str | None]) -> Wave:
        """Return what is to be done for the result (None), or for steps and instances, to be in place."""
        for step in steps:
            if step is None:
                self._want_result()
            else:
                self._want(step)
        order = order_of_plan(self.plan)
        for step in reversed(order):
            self._follow(step)
        wave = Wave()
        for step in order:
            for name in (step + LIST, *(name for name in self._wanted.get(step, ()) if name != step + LIST)):
                if name in self._wanted.get(step, ()) and name not in self._there:
                    self._place(name, wave)
        return wave

    def settled(self, name: str) -> bool:
        """Tell whether it is known what successors get of a step, or what a list has."""
        if name.endswith(LIST):
            return self._find(name).key in self.records
        return name in self.frozen or self.item.steps[name].key in self.records

    def _want_result(self) -> None:
        result = self.item.result
        if not (result and result.out in self.valid and all(self.settled(name) for name in self.item.steps)):
            for step in self.plan["steps"]:
                self._want(step)

    def _want(self, step: str) -> None:
        """Want an instance, or a step with all of its instances."""
        base, label = step_of(step)
        names = [step] if label or base in self.item.pending else self.item.instances(base)
        self._wanted.setdefault(base, {}).update(dict.fromkeys(names))

    def _want_list(self, step: str) -> None:
        self._wanted.setdefault(step, {})[step + LIST] = None

    def _follow(self, step: str) -> None:
        """Want what a step needs where it is not in place itself."""
        wanted = self._wanted.setdefault(step, {})
        if step in self.item.pending and any(name != step + LIST for name in wanted):
            for other in needs(self.plan["steps"][step]):
                self._want(other)
            root = fan_of(self.plan, step)
            if root and root in self.item.lists:
                self._want_list(root)
        for name in [name for name in wanted if name != step + LIST]:
            self._follow_one(name)
        if step + LIST in wanted:  # by what came before, perhaps
            self._follow_one(step + LIST)

    def _follow_one(self, name: str) -> None:
        if not self._is_known(name):
            return
        if self._in_place(name):
            self._there.add(name)
        elif not self._can_be_taken(name):
            for other in self._needs(name):
                self._wanted.setdefault(step_of(other.removesuffix(LIST))[0], {})[other] = None

    def _is_known(self, name: str) -> bool:
        return name.removesuffix(LIST) in self.item.lists if name.endswith(LIST) else name in self.item.steps

    def _in_place(self, name: str) -> bool:
        if not self.settled(name):
            return False
        item = self._find(name)
        paths = [item.handed] if isinstance(item, StepItem) else [path for path in (item.files or {}).values() if path]
        return all(path in self.valid for path in paths)

    def _can_be_taken(self, name: str) -> bool:
        """Tell whether an output is in the store, of a recipe that is final."""
        return self._find(name).out in self.valid and self._is_final(name) and name not in self.frozen

    def _is_final(self, name: str) -> bool:
        return self.settled(name) or all(self.settled(other) for other in self._needs(name))

    def _place(self, name: str, wave: Wave) -> None:
        if name in self.failed:
            wave.failed.append(name)
            return
        if not self._is_known(name):
            wave.later.append(name)
            return
        if name in self.frozen:
            wave.lost.append(name)
            return
        if self._can_be_taken(name):
            wave.take.append(name)
            return
        given = list(self._needs(name))
        if any(other in self.failed or other in wave.blocked for other in given):
            wave.blocked.add(name)
        elif all(other in self._there for other in given):
            wave.run.append(name)
        else:
            wave.later.append(name)

    def _find(self, name: str) -> StepItem | ListItem:
        return self.item.lists[name.removesuffix(LIST)] if name.endswith(LIST) else self.item.steps[name]

    def _needs(self, name: str) -> Iterator[str]:
        """Yield the instances and lists that an instance, or a list, is given."""
        if name.endswith(LIST):
            source = self.plan["steps"][name.removesuffix(LIST)]["foreach"].get("step")
            yield from self.item.instances(source) if source else ()
            return
        step, label = step_of(name)
        plan = self.plan["steps"][step]
        for other in plan["steps"]:
            if other in plan.get("along", ()):
                yield f"{other}@{label}"
            else:
                yield from self.item.instances(other)
        if root := fan_of(self.plan, step):
            yield root + LIST


def fan_of(plan: Plan, step: str) -> str | None:
    """Return the step with the list that a step is fanned out over, along with others perhaps; None if it is not."""
    foreach: Mapping[str, str] | None = plan["steps"][step].get("foreach")
    while foreach and "along" in foreach:
        step = foreach["along"]
        foreach = plan["steps"][step]["foreach"]
    return step if foreach else None
