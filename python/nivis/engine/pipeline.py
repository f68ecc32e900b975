"""Run what is not in place: in waves, since the recipe of a step is known only when what it is given is recorded.

Evaluate, see what is ready, run it, record what came out, evaluate again. What is recorded is written before it is
relied on: a run that is stopped loses nothing but the steps that were under way.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath
from statistics import median

from nivis.engine.crew import Crew, Job, builds_of
from nivis.engine.evaluate import evaluate
from nivis.engine.inventory import ExperimentItem, Inventory, Item, RootItem, experiment_paths
from nivis.engine.kept import drop
from nivis.engine.limits import Limits
from nivis.engine.locking import Locked
from nivis.engine.realise import LAST_LINES, ended, realise
from nivis.engine.recording import Recorder
from nivis.engine.records import name_in
from nivis.engine.results import Results
from nivis.engine.roots import tools_of_step
from nivis.engine.schedule import Free, Task, next_batch, ranks, refusals
from nivis.engine.state import State
from nivis.engine.supply import supply
from nivis.engine.targets import Target, check_known
from nivis.engine.waves import Watchlist, Wave
from nivis.engine.workspace import Workspace
from nivis.errors import LockError, NivisError, raise_all
from nivis.manifest.units import memory_text
from nivis.nix.builds import Build
from nivis.nix.serve import Connection
from nivis.plan.instances import LIST, Plan, base_of, step_of, with_checks
from nivis.progress import BuildSnapshot

TICK = 0.1  # seconds between two looks at what runs
SELDOM = 5  # times as long as a look takes, between two while there is enough to run


@dataclass(slots=True)
class Ran:
    """What a run came to."""

    inventory: Inventory
    built: dict[str, Build] = field(default_factory=dict)  # steps that ran, by label
    failed: dict[str, NivisError] = field(default_factory=dict)  # by label
    complete: set[Target] = field(default_factory=set)  # of what was asked for: what is in place
    written: list[PurePosixPath] = field(default_factory=list)  # files of records
    told: BuildSnapshot | None = None  # the last that was told
    valid: set[str] = field(default_factory=set)  # store paths, as far as they were asked for


class Pipeline:
    """One run for some targets."""

    def __init__(
        self,
        workspace: Workspace,
        locked: Locked,
        targets: Sequence[Target],
        state: State,
        limits: Limits,
        *,
        keep_going: bool,
    ) -> None:
        self.workspace = workspace
        self.locked = locked = replace(locked, plans={name: with_checks(plan) for name, plan in locked.plans.items()})
        self.limits = limits
        self.keep_going = keep_going
        self.targets = targets
        self.wanted: dict[str, list[str | None]] = {}
        for target in targets:
            self.wanted.setdefault(target.experiment, []).append(target.step)
        self.names = sorted(self.wanted)
        self.seconds = {label: run.seconds for label, run in state.steps.items() if run.seconds is not None}
        self.results = Results(workspace.project.root, locked.plans, self.names)
        self.ready: list[Task] = []
        self.started: set[str] = set()  # labels, of what runs as well
        self.free = Free.of(limits)
        self.waiting = 0
        self.watch: dict[str, Watchlist] = {}  # by plan
        self.more = False  # another look will show more
        self.looked = (0.0, 0.0)  # when the last look ended, and how long it took
        self.parts: list[tuple[str, float]] = []  # everything that was built, and how long that took
        self.ran = Ran(inventory=None)  # type: ignore[arg-type]  # before the first evaluation there is none

    # --------------------------------------------------------------------------------------- the loop

    def run(self) -> Ran:
        """Run everything that is not in place; what failed and what waits for it is told, not raised."""
        with (
            Connection(self.workspace.nix.tool("nix-store"), environ=self.workspace.nix_environ) as store,
            Crew(self.workspace, keep_going=self.keep_going) as crew,
        ):
            recorder = Recorder(store, self.workspace.project.copy_limit)
            self._look(store, recorder)
            while True:
                if not self.ran.failed or self.keep_going:
                    while batch := next_batch(self.ready, self.free, self.limits):
                        self.started.update(task.label for task in batch.tasks)  # or a look would find them to be run
                        crew.start(batch)
                if not crew.jobs:
                    break
                self._tell(crew)
                job = crew.wait(TICK)
                if job is None:
                    continue
                self._finish(job, recorder)
                stopping = self.ran.failed and not self.keep_going
                if not stopping and self._should_look(idle=not crew.jobs):
                    self._look(store, recorder)
            self._tell(crew)
            if self.ran.failed and not self.keep_going:
                self._survey_all(store, recorder)  # what ran until then may have made other results complete
            self._write()
        self.ran.complete = {target for target in self.targets if self._is_complete(target)}
        return self.ran

    def _should_look(self, *, idle: bool) -> bool:
        """Tell whether to look again: at once where something could run, now and then where it would go first."""
        if not self.ready:
            return self.more or idle
        ended, took = self.looked
        return self.more and time.monotonic() - ended > SELDOM * took

    def _look(self, store: Connection, recorder: Recorder) -> None:
        """See what is ready, and make it so that it can be started."""
        began = time.monotonic()
        waves = self._survey_all(store, recorder)
        inventory = self.ran.inventory
        plans = self.locked.plans
        raise_all(
            [e for name, w in waves.items() for e in refusals(name, plans[name], [*w.run, *w.later], self.limits)]
        )
        self.waiting = sum(len(wave.later) for wave in waves.values())
        tasks = [task for name, wave in waves.items() for task in self._tasks(name, inventory.experiments[name], wave)]
        self._prepare(store, inventory, tasks)
        tasks += [task for task in self.ready if task.label in self.started]  # to be tried again
        self.ready = sorted(tasks, key=lambda task: (-task.rank, task.label))
        self.watch, self.more = {name: Watchlist(wave.waits) for name, wave in waves.items()}, False
        self.looked = (time.monotonic(), time.monotonic() - began)

    def _survey_all(self, store: Connection, recorder: Recorder) -> dict[str, Wave]:
        """Evaluate and look; once more where what is in the store already tells more, or only had to be handed over."""
        changed, before = True, None
        while True:
            if changed:
                self._write()
                self.ran.inventory = evaluate(self.workspace, self.names)
                check_known(self.targets, self.ran.inventory.experiments)
                self._ask(store, self.ran.inventory)
            items = self.ran.inventory.experiments
            waves = {name: self._survey(name, items[name]) for name in self.names}
            if lost := [f"{name}.{step}" for name, wave in waves.items() for step in wave.lost]:
                hint = f"Run `nivis unfreeze {lost[0]}` to have it made anew."
                raise LockError("the frozen output is not in the store", where=lost[0], hint=hint)
            if not any(wave.take for wave in waves.values()):
                return waves
            taken = {name: wave.take for name, wave in waves.items()}
            if taken == before and not changed:
                raise RuntimeError(f"taken again, though nothing changed: {taken}")  # else it would never end
            changed, before = False, taken
            for name, wave in waves.items():
                changed |= self._take(recorder, name, items[name], wave.take)

    def _ask(self, store: Connection, inventory: Inventory) -> None:
        """Ask the store which paths are valid, of those that were not when it was asked before."""
        paths = [path for name in self.names for path in experiment_paths(inventory.experiments[name])]
        unknown = [path for path in paths if path not in self.ran.valid]
        if unknown:
            self.ran.valid |= store.valid(unknown)

    def _survey(self, name: str, item: ExperimentItem) -> Wave:
        return self.results.survey(name, item, self.wanted[name], self.ran.valid, self._failed(name))

    def _failed(self, name: str) -> set[str]:
        return {label.partition(".")[2] for label in self.ran.failed if label.partition(".")[0] == name}

    # ------------------------------------------------------------------------------------------ tasks

    def _tasks(self, name: str, item: ExperimentItem, wave: Wave) -> list[Task]:
        plan = self.locked.plans[name]
        known = self._durations(name)
        rank = ranks(plan, known)
        return [self._task(name, plan, item, step, rank) for step in wave.run if f"{name}.{step}" not in self.started]

    def _durations(self, name: str) -> dict[str, float]:
        """Return how long each step took, of one with instances the median."""
        found: dict[str, list[float]] = {}
        for label, seconds in self.seconds.items():
            experiment, _, step = label.partition(".")
            if experiment == name:
                found.setdefault(step_of(step)[0], []).append(seconds)
        return {step: median(several) for step, several in found.items()}

    def _task(self, name: str, plan: Plan, item: ExperimentItem, step: str, rank: Mapping[str, float]) -> Task:
        if step.endswith(LIST):
            base = step.removesuffix(LIST)
            return Task(label=f"{name}.{step}", drv=item.lists[base].drv, out=item.lists[base].out, rank=rank[base])
        base = step_of(step)[0]
        planned, label = plan["steps"][base], f"{name}.{step}"
        return Task(
            label=label,
            drv=item.steps[step].drv,
            out=item.steps[step].out,
            cores=planned["cores"],
            memory=planned["memory"] or 0,
            gpus=planned["gpus"],
            locks=tuple(planned.get("locks", ())),
            timeout=planned.get("timeout", 0),
            retries=planned.get("retries", 0),
            retry_memory=tuple(planned.get("retry_memory", ())),
            seconds=self.seconds.get(label),
            rank=rank[base],
        )

    def _prepare(self, store: Connection, inventory: Inventory, tasks: Sequence[Task]) -> None:
        """Bring what the tasks need that is no step: downloads, the toolchain, the environment."""
        steps: dict[str, list[str]] = {}
        for task in tasks:
            name, _, step = task.label.partition(".")
            steps.setdefault(name, []).append(step)
        if not steps:
            return
        absent = supply(self.workspace, inventory, self.locked.lock, self.locked.plans, steps=steps, store=store)
        tables = any("table" in self._planned(task.label) for task in tasks)
        environments: list[Item | RootItem] = [inventory.environment]
        environments += [inventory.tables] if tables and inventory.tables else []
        tools = {tools_of_step(self.locked.plans[name], step) for name, wanted in steps.items() for step in wanted}
        environments += [inventory.roots[key] for key in sorted(tools) if key in inventory.roots]
        new = [environment.drv for environment in environments if environment.out in absent]
        if new:
            built = realise(self.workspace, new, inventory.labels(), base=self.ran.told).built
            self.parts += [ended(build, inventory.labels()) for build in built]

    def _planned(self, label: str) -> Mapping[str, object]:
        name, _, step = label.partition(".")
        planned: Mapping[str, object] = self.locked.plans[name]["steps"][base_of(step)]
        return planned

    # ---------------------------------------------------------------------------------------- results

    def _finish(self, job: Job, recorder: Recorder) -> None:
        self.free.give_back(job.batch, self.limits)
        done, failed = job.done(), job.failed()
        self.started.update(task.label for task in (*done, *failed))
        builds = builds_of(job)
        self.ran.built.update(builds)
        self.parts += [(label, (build.ended or 0.0) - build.started) for label, build in builds.items()]
        for name, tasks in _by_experiment(done).items():
            self.ran.valid.update(task.out for task in tasks)
            steps = [task.label.partition(".")[2] for task in tasks]
            self._take(recorder, name, self.ran.inventory.experiments[name], steps)
            for step in steps:
                self.more |= self.watch[name].finish(step)
        if job.status == 0:
            return
        rest = [task for task in job.batch.tasks if task not in done and task not in failed]
        self.started.difference_update(task.label for task in rest)
        again = [task.again() for task in failed if task.retries and task.again().memory <= self.limits.memory]
        problems = {problem.where: problem for problem in job.problems()}
        for task in again:
            tries = self.locked.plans[task.label.partition(".")[0]]
            self.workspace.listener.note(_second_try(task, problems.get(_place(task)), tries))
        drop(job.folder(task) for task in again)
        self.ready[:0] = again
        tried = {task.label for task in again}
        lost = [task for task in failed if task.label not in tried]
        for task in lost:
            if task.retries:
                self.workspace.listener.note(
                    f"{task.label}: no other try, as it would have {memory_text(task.again().memory)} of memory, "
                    f"and there are {memory_text(self.limits.memory)}"
                )
            self.ran.failed[task.label] = problems.pop(_place(task))
        if lost or not failed:
            raise_all([problem for where, problem in problems.items() if not _is_of(where, failed)])
        self.ready += [task for task in rest if not lost or self.keep_going]

    def _take(self, recorder: Recorder, name: str, item: ExperimentItem, steps: Iterable[str]) -> bool:
        """Record what steps wrote and hand it over by its content, read lists; return whether records changed."""
        records, prefix = self.results.of(name), self.results.prefix(name)
        changed = False
        lists = [step for step in steps if step.endswith(LIST)]
        for step in lists:
            base = step.removesuffix(LIST)
            if item.lists[base].key not in records.by_recipe:
                records.by_recipe[item.lists[base].key] = recorder.read_list(
                    item.lists[base].out, name_in(prefix, step)
                )
                changed = True
            else:
                recorder.bring_items(item, base, self.locked.plans[name], records.by_recipe[item.lists[base].key])
                self.ran.valid.update(path for path in (item.lists[base].files or {}).values() if path)
        outputs = {step: item.steps[step] for step in steps if not step.endswith(LIST)}
        for step, (record, path) in recorder.record({s: o.out for s, o in outputs.items()}, prefix).items():
            known = records.by_recipe.get(outputs[step].key)
            if known is not None and known.hash != record.hash:
                self.workspace.listener.note(
                    f"{name}.{step}: wrote other bytes than results.lock had of this recipe, which is recorded anew: "
                    "it is not reproducible, or the record was wrong"
                )
            if known is None or known.hash != record.hash:
                records.by_recipe[outputs[step].key] = record
                changed = True
            self.ran.valid.add(path)
        return changed

    def _is_complete(self, target: Target) -> bool:
        name = target.experiment
        item = self.ran.inventory.experiments[name]
        return self.results.survey(name, item, [target.step], self.ran.valid, self._failed(name)).is_empty

    def _write(self) -> None:
        self.ran.written += self.results.write(self.ran.inventory)

    def _tell(self, crew: Crew) -> None:
        done = len(self.parts) + crew.done()
        under_way = sum(len(job.batch.tasks) for job in crew.jobs) - crew.done()
        self.ran.told = BuildSnapshot(
            total=done + under_way + len(self.ready) + self.waiting,
            done=done,
            running=crew.running(time.monotonic()),
            failed=list(self.ran.failed),
            ended=self.parts,
        )
        self.workspace.listener.building(self.ran.told)


def _by_experiment(tasks: Iterable[Task]) -> dict[str, list[Task]]:
    found: dict[str, list[Task]] = {}
    for task in tasks:
        found.setdefault(task.label.partition(".")[0], []).append(task)
    return found


def _is_of(where: str, tasks: Iterable[Task]) -> bool:
    return any(_place(task) == where for task in tasks)


def _place(task: Task) -> str:
    """Return how an error names a task."""
    return task.label.removesuffix(LIST)


def _second_try(task: Task, problem: NivisError | None, plan: Plan) -> str:
    step = plan["steps"][step_of(task.label.partition(".")[2])[0]]
    number = step["retries"] - task.retries
    more = f" with {memory_text(task.memory)}" if task.memory != (step["memory"] or 0) else ""
    why = f": {problem.what.removesuffix(LAST_LINES)}" if problem else " failed"
    return f"{task.label}{why}; trying again{more} ({number} of {step['retries']})"
