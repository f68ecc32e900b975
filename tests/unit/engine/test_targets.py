"""Experiments and steps on the command line."""

import pytest

from nivis.engine.targets import Target, check_steps, parse_target
from nivis.errors import Problems, UsageError

STEPS = {"birds": ["clean", "train"], "lab": ["work"]}


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("birds", Target("birds")),
        ("birds.train", Target("birds", "train")),
        ("birds.", Target("birds", "")),
        ("a.b.c", Target("a", "b.c")),
    ],
)
def test_parse(text: str, target: Target) -> None:
    assert parse_target(text) == target
    assert str(target) == text


def test_known_steps_are_fine() -> None:
    check_steps([Target("birds"), Target("birds", "clean"), Target("lab", "work")], STEPS)


def test_an_unknown_step_is_named_with_the_nearest() -> None:
    with pytest.raises(UsageError) as caught:
        check_steps([Target("birds", "trian")], STEPS)
    assert str(caught.value) == "no step named 'trian' in 'birds'. Did you mean 'train'?"
    assert caught.value.exit_code == 2


def test_all_unknown_steps_are_told_together() -> None:
    with pytest.raises(Problems) as caught:
        check_steps([Target("birds", "x"), Target("lab", "y"), Target("birds", "train")], STEPS)
    assert str(caught.value) == (
        "no step named 'x' in 'birds'. Known: clean, train.\nno step named 'y' in 'lab'. Known: work."
    )
