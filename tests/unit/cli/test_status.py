"""The table of `nivis status`."""

from dataclasses import replace

from nivis.cli.status import table
from nivis.engine.inventory import ExperimentItem, Item, StepItem
from nivis.engine.state import State, StepRun
from nivis.engine.status import CheckStatus, ExperimentStatus, StepStatus, _chosen, _folded, _worst

FOUND = [
    ExperimentStatus(
        name="birds",
        title="Can bills tell?",
        status="running",
        state="stale",
        steps=(
            StepStatus(name="clean", state="built", seconds=0.42, memory=2048),
            StepStatus(name="train", state="stale"),
        ),
    ),
    ExperimentStatus(name="owls", title="", status="idea", state="unlocked"),
]


def test_a_line_for_each_experiment_and_step() -> None:
    lines = list(table(FOUND, color=False))
    assert [line.split()[:2] for line in lines] == [
        ["birds", "stale"],
        ["clean", "built"],
        ["train", "stale"],
        ["owls", "unlocked"],
    ]
    assert lines[0] == "birds    stale     Can bills tell?"
    assert lines[1].startswith("  clean  built     0.4 s, 2.1 MB")
    assert (
        len({line.index(word) for line, word in zip(lines, ("stale", "built", "stale", "unlocked"), strict=True)}) == 1
    )


def test_checks_stand_below_the_steps() -> None:
    checks = (
        CheckStatus(name="bills", state="blocked", note="bill: 1 of 3 values is missing"),
        CheckStatus(name="rows", state="missing"),
    )
    assert list(table([replace(FOUND[0], steps=(), state="blocked", checks=checks)], color=False)) == [
        "birds           blocked   Can bills tell?",
        "  checks.bills  blocked   bill: 1 of 3 values is missing",
        "  checks.rows   missing",
    ]


def test_states_have_colours_on_a_terminal() -> None:
    assert "\x1b[33mstale" in next(table(FOUND, color=True))


def test_nothing_there() -> None:
    assert list(table([], color=False)) == []


def test_an_experiment_is_as_good_as_its_worst_step() -> None:
    assert _worst(["built", "missing", "stale"]) == "stale"
    assert _worst(["built", "failed", "stale"]) == "failed"
    assert _worst(["blocked", "built", "missing"]) == "blocked"
    assert _worst(["built", "held"]) == "built"
    assert _worst(["built"]) == "built"


INSTANCES = (
    StepStatus(name="c=1", state="built", seconds=0.42, memory=2048),
    StepStatus(name="c=2", state="missing"),
    StepStatus(name="c=3", state="failed"),
)
SWEPT = ExperimentStatus(
    name="birds",
    title="",
    status="running",
    state="failed",
    steps=(
        StepStatus(name="clean", state="built"),
        StepStatus(name="train", state="failed", instances=INSTANCES),
        StepStatus(name="score", state="missing", instances=INSTANCES[:2]),
    ),
)


def test_sweeps_are_folded() -> None:
    assert list(table([SWEPT], color=False)) == [
        "birds    failed",
        "  clean  built",
        "  train  1/3 built, 1 failed",
        "  score  1/2 built",
    ]


def test_sweeps_unfolded() -> None:
    assert list(table([SWEPT], color=False, unfold=True))[2:6] == [
        "  train  1/3 built, 1 failed",
        "    c=1  built     0.4 s, 2.1 MB",
        "    c=2  missing",
        "    c=3  failed",
    ]


def test_a_profile_beside_others_is_one_line() -> None:
    smoke = replace(SWEPT, name="birds-smoke", profile="smoke")
    assert list(table([SWEPT, smoke], color=False))[4:] == ["birds-smoke  failed"]
    assert len(list(table([smoke], color=False))) == 4


def test_what_was_asked_for() -> None:
    each = {"clean": SWEPT.steps[0], "train@c=1": INSTANCES[0], "train@c=2": INSTANCES[1]}
    entries = {name: StepItem(drv=f"{name}.drv", out=name) for name in each}
    joined = {"train": Item(drv="train.drv", out="train")}
    item = ExperimentItem(result=None, steps=entries, data={}, joined=joined, pending=("late", "later"))
    state = State(steps={"birds.late@x": StepRun(out="late-x")})
    folded = list(_folded(["clean", "train", "late", "later"], item, each, state, "birds"))
    assert [(step.name, step.state, len(step.instances)) for step in folded] == [
        ("clean", "built", 0),
        ("train", "missing", 2),
        ("late", "stale", 0),
        ("later", "missing", 0),
    ]
    assert list(_chosen(folded, [])) == folded
    assert list(_chosen(folded, [None, "clean"])) == folded
    assert [step.name for step in _chosen(folded, ["clean"])] == ["clean"]
    assert list(_chosen(folded, ["train"])) == [folded[1]]
    [train] = _chosen(folded, ["train@c=1"])
    assert (train.state, [instance.name for instance in train.instances]) == ("built", ["c=1"])


def test_a_stale_step_has_its_reason_beside_it() -> None:
    steps = (StepStatus(name="train", state="stale", reason="code, params", seconds=3.0),)
    lines = list(table([replace(FOUND[0], steps=steps)], color=False))
    assert lines[1] == "  train  stale     code, params"
