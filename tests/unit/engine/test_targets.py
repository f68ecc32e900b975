"""Experiments and steps on the command line."""

import pytest

from nivis.engine.targets import Target, check_steps, parse_target
from nivis.errors import Problems, UsageError
from nivis.plan.instances import Plan

LABELS: Plan = {"c=0.1,seed=1": {}, "c=10.0,seed=1": {}}
PLANS: dict[str, Plan] = {
    "birds": {"steps": {"clean": {}, "train": {"instances": LABELS}}},
    "lab": {"steps": {"work": {}}},
    "owls": {"steps": {"work": {}}, "checks": {"bills": {}, "rows": {}}},
}


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("birds", Target("birds")),
        ("birds.train", Target("birds", "train")),
        ("birds.", Target("birds", "")),
        ("a.b.c", Target("a", "b.c")),
        ("birds.train@c=0.1,seed=1", Target("birds", "train@c=0.1,seed=1")),
    ],
)
def test_parse(text: str, target: Target) -> None:
    assert parse_target(text) == target
    assert str(target) == text


def test_known_steps_are_fine() -> None:
    check_steps([Target("birds"), Target("birds", "clean"), Target("birds", "train"), Target("lab", "work")], PLANS)


def test_an_unknown_step_is_named_with_the_nearest() -> None:
    with pytest.raises(UsageError) as caught:
        check_steps([Target("birds", "trian")], PLANS)
    assert str(caught.value) == "no step named 'trian' in 'birds'. Did you mean 'train'?"
    assert caught.value.exit_code == 2


def test_all_unknown_steps_are_told_together() -> None:
    with pytest.raises(Problems) as caught:
        check_steps([Target("birds", "x"), Target("lab", "y"), Target("birds", "train")], PLANS)
    assert str(caught.value) == (
        "no step named 'x' in 'birds'. Known: clean, train.\nno step named 'y' in 'lab'. Known: work."
    )


@pytest.mark.parametrize(
    ("step", "message"),
    [
        (
            "train@c=0.1,seed=2",
            "step 'train' of 'birds' has no instance 'c=0.1,seed=2'. Did you mean 'birds.train@c=0.1,seed=1'?",
        ),
        ("train@", "step 'train' of 'birds' has no instance ''. Did you mean 'birds.train@c=0.1,seed=1'?"),
        ("clean@c=1", "step 'clean' of 'birds' is not swept: it has no instances. Say birds.clean."),
        ("trian@c=0.1,seed=1", "no step named 'trian' in 'birds'. Did you mean 'train'?"),
        ("train", "step 'train' of 'birds' has 2 instances. Name one: birds.train@c=0.1,seed=1."),
    ],
)
def test_what_is_no_instance(step: str, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        check_steps([Target("birds", step)], PLANS, one=True)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("owls.checks.bill", "no check named 'bill' in 'owls'. Did you mean 'bills'?"),
        ("owls.check.bills", "no step named 'check.bills' in 'owls'. Did you mean 'checks.bills'?"),
        ("lab.checks.bills", "no check named 'bills' in 'lab'. Declare it: [checks.bills]."),
    ],
)
def test_what_is_no_check(target: str, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        check_steps([parse_target(target)], PLANS)
    assert str(caught.value) == message


def test_a_check_is_fine() -> None:
    check_steps([Target("owls", "checks.bills")], PLANS, one=True)


def test_an_instance_is_fine() -> None:
    check_steps([Target("birds", "train@c=10.0,seed=1")], PLANS, one=True)
