"""Which steps run next, side by side, within the limits of the machine (pure).

The longest path to the end goes first, where durations are known. Small steps go to Nix several at once, as a process
of Nix costs as much as they do: of those that are ready each batch gets a fixed share, so that batches become smaller
towards the end and all workers end at about the same time (guided self-scheduling: Polychronopoulos and Kuck, IEEE
Transactions on Computers C-36, 1987).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from nivis.engine.limits import Limits
from nivis.errors import UsageError
from nivis.manifest.units import memory_text
from nivis.plan.instances import LIST, Plan, needs, step_of
from nivis.plan.order import order_of_plan

LARGEST_BATCH = 64
SHORT = 0.5  # seconds; a longer step is a batch of its own


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One step that is ready to run."""

    label: str  # penguins.train@c=0.1
    drv: str
    out: str
    cores: int = 1
    memory: int = 0  # bytes; 0 if it has no limit
    gpus: int = 0
    locks: tuple[str, ...] = ()
    timeout: int = 0  # seconds; 0: none
    retries: int = 0  # that are left
    retry_memory: tuple[int, ...] = ()  # bytes
    seconds: float | None = None  # how long it took the last time
    rank: float = 0.0  # seconds to the end along the longest path

    @property
    def is_plain(self) -> bool:
        """Tell whether it may share a process of Nix with others."""
        limited = self.memory or self.gpus or self.locks or self.timeout or self.retries or self.cores > 1
        return not limited and (self.seconds is None or self.seconds < SHORT)

    def again(self) -> Task:
        """Return the task for another try, with more memory if there is to be more."""
        more, rest = self.retry_memory[:1], self.retry_memory[1:]
        return replace(self, retries=self.retries - 1, memory=more[0] if more else self.memory, retry_memory=rest)


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Tasks that one process of Nix runs one after the other."""

    tasks: tuple[Task, ...]
    gpus: tuple[str, ...] = ()  # that are given to it


@dataclass(slots=True)
class Free:
    """What is not in use."""

    cores: int
    memory: int
    gpus: list[str]
    locks: set[str] = field(default_factory=set)  # that are taken

    @classmethod
    def of(cls, limits: Limits) -> Free:
        """Return a machine on which nothing runs."""
        return cls(limits.cores, limits.memory, list(limits.gpus))

    def fits(self, task: Task, limits: Limits) -> bool:
        """Tell whether a task can run beside what runs; one that wants more cores than there are runs alone."""
        cores = min(task.cores, limits.cores)
        within = cores <= self.cores and task.memory <= self.memory and task.gpus <= len(self.gpus)
        return within and self.locks.isdisjoint(task.locks)

    def take(self, tasks: Sequence[Task], limits: Limits) -> Batch:
        """Take what a batch needs; its tasks need the same."""
        first = tasks[0]
        self.cores -= min(first.cores, limits.cores)
        self.memory -= first.memory
        given, self.gpus = self.gpus[: first.gpus], self.gpus[first.gpus :]
        self.locks.update(first.locks)
        return Batch(tasks=tuple(tasks), gpus=tuple(given))

    def give_back(self, batch: Batch, limits: Limits) -> None:
        """Give back what a batch had."""
        first = batch.tasks[0]
        self.cores += min(first.cores, limits.cores)
        self.memory += first.memory
        self.gpus = sorted([*self.gpus, *batch.gpus])
        self.locks.difference_update(first.locks)


def next_batch(ready: list[Task], free: Free, limits: Limits) -> Batch | None:
    """Take the next batch out of ``ready``, which is in order of rank; None if nothing fits now."""
    if free.cores < 1:
        return None
    for index, task in enumerate(ready):
        if not free.fits(task, limits):
            continue
        if not task.is_plain:
            return free.take([ready.pop(index)], limits)
        plain = [other for other in ready if other.is_plain]
        size = max(1, min(LARGEST_BATCH, len(plain) // (2 * limits.cores)))
        chosen = plain[:size]
        names = {one.label for one in chosen}
        ready[:] = [other for other in ready if other.label not in names]
        return free.take(chosen, limits)
    return None


def ranks(plan: Plan, seconds: Mapping[str, float]) -> dict[str, float]:
    """Return the seconds from the start of each step to the end of the pipeline along the longest path.

    ``seconds``: how long each step takes; of one that is not known it is taken to be no time.
    """
    after: dict[str, float] = {}
    for step in reversed(order_of_plan(plan)):
        after[step] = after.get(step, 0.0) + seconds.get(step, 0.0)
        for other in needs(plan["steps"][step]):
            after[other] = max(after.get(other, 0.0), after[step])
    return after


def refusals(name: str, plan: Plan, instances: Iterable[str], limits: Limits) -> Iterator[UsageError]:
    """Yield an error for each step of ``instances`` that can never run within the limits."""
    for step in dict.fromkeys(step_of(one)[0] for one in instances if not one.endswith(LIST)):
        planned = plan["steps"][step]
        memory, gpus = planned["memory"] or 0, planned["gpus"]
        if memory > limits.memory:
            what = f"needs {memory_text(memory)} of memory, but there are {memory_text(limits.memory)}"
            yield UsageError(what, where=f"{name}.{step}", hint="Lower memory in its manifest, or raise --memory.")
        if gpus > len(limits.gpus):
            what = f"needs {gpus} GPUs, but there are {len(limits.gpus)}"
            yield UsageError(what, where=f"{name}.{step}", hint="Run it where there are as many, or say --gpus.")
