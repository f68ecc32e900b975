"""What runs beside what: never over the limits, the longest path first."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from nivis.engine.limits import Limits
from nivis.engine.schedule import LARGEST_BATCH, Batch, Free, Task, next_batch, ranks, refusals

GIB = 1 << 30


def task(label: str, **more: Any) -> Task:
    return Task(label=label, drv=f"{label}.drv", out=label, **more)


def batches(tasks: list[Task], limits: Limits) -> list[list[str]]:
    """Return what is started on a machine on which nothing ends."""
    ready, free, found = list(tasks), Free.of(limits), []
    while batch := next_batch(ready, free, limits):
        found.append([one.label for one in batch.tasks])
    return found


def test_as_many_as_there_are_cores() -> None:
    tasks = [task(f"t{n}", seconds=9.0) for n in range(5)]
    assert batches(tasks, Limits(cores=3, memory=GIB)) == [["t0"], ["t1"], ["t2"]]


def test_small_steps_share_a_process_and_shares_become_smaller() -> None:
    tasks = [task(f"t{n:04}") for n in range(1000)]
    limits = Limits(cores=2, memory=GIB)
    ready, free, sizes = list(tasks), Free.of(limits), []
    while batch := next_batch(ready, free, limits):
        sizes.append(len(batch.tasks))
        free.give_back(batch, limits)
    assert sum(sizes) == 1000
    assert sizes[0] == LARGEST_BATCH
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[-1] == 1
    assert len(sizes) < 60


def test_steps_with_limits_or_long_ones_run_alone() -> None:
    special = [
        task("m", memory=1),
        task("g", gpus=1),
        task("l", locks=("x",)),
        task("t", timeout=1),
        task("r", retries=1),
        task("c", cores=2),
        task("s", seconds=1.0),
    ]
    plain = [task(f"p{n}") for n in range(200)]
    limits = Limits(cores=32, memory=GIB, gpus=("0",))
    found = batches([*special, *plain], limits)
    assert [one for one in found if one[0][0] != "p"] == [[one.label] for one in special]
    assert len(found[-1]) > 1 or len(plain) < 4 * limits.cores * 2


def test_what_does_not_fit_waits_and_others_go_before() -> None:
    limits = Limits(cores=4, memory=4 * GIB, gpus=("0",))
    tasks = [
        task("a", memory=3 * GIB),
        task("b", memory=2 * GIB),
        task("c", memory=GIB),
        task("d", gpus=1),
        task("e", gpus=1),
        task("f", locks=("x", "y")),
        task("g", locks=("y",)),
    ]
    assert batches(tasks, limits) == [["a"], ["c"], ["d"], ["f"]]


def test_one_that_wants_more_cores_than_there_are_runs_alone() -> None:
    limits = Limits(cores=2, memory=GIB)
    assert batches([task("big", cores=16), task("small")], limits) == [["big"]]


def test_gpus_are_given_by_name_and_back() -> None:
    limits = Limits(cores=8, memory=GIB, gpus=("/dev/nvidia0", "/dev/nvidia1", "/dev/nvidia2"))
    free = Free.of(limits)
    ready = [task("a", gpus=1), task("b", gpus=2), task("c", gpus=1)]
    first, second = next_batch(ready, free, limits), next_batch(ready, free, limits)
    assert first is not None
    assert second is not None
    assert (first.gpus, second.gpus) == (("/dev/nvidia0",), ("/dev/nvidia1", "/dev/nvidia2"))
    assert next_batch(ready, free, limits) is None
    free.give_back(first, limits)
    third = next_batch(ready, free, limits)
    assert third is not None
    assert third.gpus == ("/dev/nvidia0",)


TASKS = st.lists(
    st.builds(
        lambda label, cores, memory, gpus, locks, seconds: task(
            str(label), cores=cores, memory=memory, gpus=gpus, locks=tuple(sorted(locks)), seconds=seconds
        ),
        st.integers(),
        st.integers(1, 6),
        st.sampled_from([0, 0, 1, 3, 5]),
        st.sampled_from([0, 0, 0, 1, 2]),
        st.sets(st.sampled_from("xyz"), max_size=2),
        st.sampled_from([None, 0.1, 3.0]),
    ),
    max_size=60,
    unique_by=lambda one: one.label,
)


@settings(max_examples=200)
@given(TASKS, st.integers(1, 4), st.randoms(use_true_random=False))
def test_nothing_is_ever_exceeded_and_everything_runs(tasks: list[Task], cores: int, random: Any) -> None:
    limits = Limits(cores=cores, memory=5, gpus=("0", "1"))
    ready, free, ran = list(tasks), Free.of(limits), []
    running: list[Batch] = []
    while ready or running:
        while batch := next_batch(ready, free, limits):
            running.append(batch)
        assert running, "it stands still"
        under_way = [one.tasks[0] for one in running]  # those of a batch run one after the other
        assert sum(min(one.cores, cores) for one in under_way) <= cores
        assert sum(one.memory for one in under_way) <= limits.memory
        given_away = [gpu for batch in running for gpu in batch.gpus]
        assert len(given_away) == len(set(given_away))
        assert sum(one.gpus for one in under_way) == len(given_away)
        held = [lock for one in under_way for lock in one.locks]
        assert len(held) == len(set(held))
        over = running.pop(random.randrange(len(running)))
        free.give_back(over, limits)
        ran += [one.label for one in over.tasks]
    assert sorted(ran) == sorted(one.label for one in tasks)
    assert (free.cores, free.memory, free.gpus, free.locks) == (cores, 5, ["0", "1"], set())


PLAN = {
    "steps": {
        "a": {"steps": []},
        "b": {"steps": ["a"]},
        "c": {"steps": []},
        "each": {"steps": [], "foreach": {"step": "c"}},
        "d": {"steps": ["b", "each"]},
    }
}


def test_the_longest_path_to_the_end() -> None:
    seconds = {"a": 1.0, "b": 2.0, "c": 4.0, "d": 8.0, "each": 16.0}
    assert ranks(PLAN, seconds) == {"d": 8.0, "b": 10.0, "a": 11.0, "each": 24.0, "c": 28.0}
    assert ranks(PLAN, {}) == dict.fromkeys(PLAN["steps"], 0.0)


def test_again_with_more_memory() -> None:
    first = task("a", memory=1, retries=3, retry_memory=(2, 4))
    tries = [first, first.again(), first.again().again(), first.again().again().again()]
    assert [(one.memory, one.retries) for one in tries] == [(1, 3), (2, 2), (4, 1), (4, 0)]


def test_what_can_never_run() -> None:
    plan = {
        "steps": {
            "a": {"memory": 3 * GIB, "gpus": 0},
            "b": {"memory": None, "gpus": 2},
            "c": {"memory": 2 * GIB, "gpus": 1},
        }
    }
    limits = Limits(cores=1, memory=2 * GIB, gpus=("0",))
    found = refusals("x", plan, ["a@1", "a@2", "a (items)", "b", "c"], limits)
    assert [str(error) for error in found] == [
        "x.a: needs 3.0 GiB of memory, but there are 2.0 GiB. Lower memory in its manifest, or raise --memory.",
        "x.b: needs 2 GPUs, but there are 1. Run it where there are as many, or say --gpus.",
    ]
