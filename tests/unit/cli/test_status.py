"""The table of `nivis status`."""

from nivis.cli.status import table
from nivis.engine.status import ExperimentStatus, StepStatus, _worst

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


def test_states_have_colours_on_a_terminal() -> None:
    assert "\x1b[33mstale" in next(table(FOUND, color=True))


def test_nothing_there() -> None:
    assert list(table([], color=False)) == []


def test_an_experiment_is_as_good_as_its_worst_step() -> None:
    assert _worst(["built", "missing", "stale"]) == "stale"
    assert _worst(["built", "failed", "stale"]) == "failed"
    assert _worst(["built"]) == "built"
