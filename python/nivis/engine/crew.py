"""Runs batches of steps, each in a process of Nix of its own, and tells how they end."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from queue import Empty, Queue
from threading import Thread

from nivis.engine.kept import drop
from nivis.engine.realise import problems_of, repeat
from nivis.engine.schedule import Batch, Task
from nivis.engine.watch import MemoryWatch
from nivis.engine.workspace import Workspace
from nivis.errors import NivisError, StepError
from nivis.manifest.units import memory_text
from nivis.nix.builds import Build, BuildState
from nivis.nix.command import Stream, stream
from nivis.nix.events import LogLine, parse


@dataclass(slots=True, kw_only=True)
class Job:
    """A batch under way, and in the end what became of it."""

    batch: Batch
    state: BuildState = field(default_factory=BuildState)
    stream: Stream | None = None
    status: int | None = None
    stopped: bool = False  # nobody asks any more what became of it
    crash: BaseException | None = None  # of the thread that reads what Nix says
    peak: int | None = None  # bytes that it had when that was too much

    def stop(self) -> None:
        """Have it end, also where its process is only about to start; may be called from another thread."""
        self.stopped = True
        if self.stream is not None:
            self.stream.stop()

    def done(self) -> list[Task]:
        """Return the tasks whose outputs are there."""
        return [task for task in self.batch.tasks if self.status == 0 or task.drv in self.state.done]

    def failed(self) -> list[Task]:
        """Return the tasks that failed."""
        return [task for task in self.batch.tasks if task.drv in self.state.failed]

    def problems(self) -> list[NivisError]:
        """Return what is to be said of a batch that failed."""
        labels = {task.drv: task.label for task in self.batch.tasks}
        found = problems_of(self.state, labels)
        if self.peak is None:
            return found
        task = self.batch.tasks[0]
        used = f"it used {memory_text(self.peak)}, more than the {memory_text(task.memory)} it may have"
        hint = 'Raise memory in its manifest, or let it try again with more: retries = { times = 1, memory = ["…"] }.'
        problem = StepError(f"the step was stopped: {used}", where=task.label, hint=hint)
        problem.folder = self.folder(task)
        return [problem]

    def folder(self, task: Task) -> str:
        """Return the folder that a task left that failed; empty if it was not kept."""
        return self.state.failed[task.drv].folder if task.drv in self.state.failed else ""


class Crew:
    """Starts batches and waits for them; leaving it ends what still runs."""

    def __init__(self, workspace: Workspace, *, keep_going: bool) -> None:
        self.workspace = workspace
        self.keep_going = keep_going
        self.jobs: list[Job] = []
        self._over: Queue[Job] = Queue()
        self._threads: dict[int, Thread] = {}

    def __enter__(self) -> Crew:
        return self

    def __exit__(self, *_: object) -> None:
        for job in self.jobs:
            job.stop()
        for thread in self._threads.values():
            thread.join()

    def start(self, batch: Batch) -> None:
        """Run a batch."""
        job = Job(batch=batch)
        self.jobs.append(job)
        thread = Thread(target=self._run, args=(job,), daemon=True)
        self._threads[id(job)] = thread
        thread.start()

    def wait(self, seconds: float) -> Job | None:
        """Return a batch that is over, None if there is none within ``seconds``; raises what ended its thread."""
        try:
            job = self._over.get(timeout=seconds)
        except Empty:
            return None
        self.jobs.remove(job)
        self._threads.pop(id(job)).join()
        if job.crash is not None:
            raise job.crash
        return job

    def running(self, now: float) -> list[tuple[str, float]]:
        """Return what runs, and for how many seconds."""
        found = []
        for job in self.jobs:
            labels = {task.drv: task.label for task in job.batch.tasks}
            running = list(job.state.running.values())
            found += [(labels.get(build.derivation, build.name), now - build.started) for build in running]
        return found

    def done(self) -> int:
        """Return how many steps of the batches under way are done."""
        return sum(len(job.state.done) for job in self.jobs)

    def _run(self, job: Job) -> None:
        try:
            self._follow(job)
        except BaseException as error:  # told to whoever waits
            job.crash = error
        self._over.put(job)

    def _follow(self, job: Job) -> None:
        labels = {task.drv: task.label for task in job.batch.tasks}
        argv = _argv(self.workspace, job.batch, keep_going=self.keep_going)
        memory = job.batch.tasks[0].memory
        with stream(argv, environ=self.workspace.nix_environ, cwd=self.workspace.project.root) as running:
            job.stream = running
            if job.stopped:
                job.stop()
            watch = MemoryWatch(running.pid, memory) if memory else None
            if watch:
                watch.start()
            try:
                for line in running.lines():
                    event = parse(line)
                    job.state.apply(event, time.monotonic())
                    if self.workspace.verbose and isinstance(event, LogLine):
                        repeat(self.workspace, event, job.state, labels)
                job.status, _ = running.finish()
            finally:
                if watch:
                    watch.stop()
                    job.peak = watch.peak
                wanted = [] if job.stopped else [build.folder for build in job.state.failed.values()]
                drop(folder for folder in job.state.kept if folder not in wanted)


def _argv(workspace: Workspace, batch: Batch, *, keep_going: bool) -> Sequence[str]:
    argv = [workspace.nix.tool("nix-store"), "--realise", *(task.drv for task in batch.tasks)]
    argv += ["--log-format", "internal-json", "--max-jobs", "1"]
    argv += ["--keep-failed", *(["--keep-going"] if keep_going else [])]
    if batch.tasks[0].timeout:
        argv += ["--timeout", str(batch.tasks[0].timeout)]
    devices = [gpu for gpu in batch.gpus if gpu.startswith("/")]
    if devices:
        argv += ["--option", "extra-sandbox-paths", " ".join([*devices, "/dev/nvidiactl?", "/dev/nvidia-uvm?"])]
    return argv


def builds_of(job: Job) -> Mapping[str, Build]:
    """Return the builds of a batch's steps that went well, by label."""
    labels = {task.drv: task.label for task in job.batch.tasks}
    return {labels[drv]: build for drv, build in job.state.done.items() if drv in labels}
