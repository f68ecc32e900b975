"""Limits as people write them, and what is said where they cannot be meant."""

from pathlib import PurePosixPath

import pytest

from nivis.errors import NivisError
from nivis.manifest.experiment import decode_experiment
from nivis.manifest.model import Step

GIB = 1 << 30


def decode(text: str) -> Step:
    return decode_experiment(f"[steps.s]\nrun = 'x'\n{text}\n", PurePosixPath("experiments/x")).steps["s"]


def limits(text: str) -> tuple[object, ...]:
    step = decode(text)
    return step.memory, step.timeout, step.retries, step.retry_memory, step.locks


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", (None, None, 0, (), ())),
        ("memory = '2 GiB'", (2 * GIB, None, 0, (), ())),
        ("memory = 1024", (1024, None, 0, (), ())),
        ("timeout = 90", (None, 90, 0, (), ())),
        ("timeout = '1 h 30 min'", (None, 5400, 0, (), ())),
        ("retries = 2", (None, None, 2, (), ())),
        ("retries = { times = 3 }", (None, None, 3, (), ())),
        ("retries = {}", (None, None, 0, (), ())),
        ("memory = '1G'\nretries = { memory = ['2G', '4G'] }", (GIB, None, 2, (2 * GIB, 4 * GIB), ())),
        ("memory = '1G'\nretries = { times = 3, memory = ['2G'] }", (GIB, None, 3, (2 * GIB,), ())),
        ("locks = ['b', 'a', 'b']", (None, None, 0, (), ("a", "b"))),
    ],
)
def test_limits(text: str, expected: tuple[object, ...]) -> None:
    assert limits(text) == expected


MEMORY = 'Write memory = "2 GiB".'
TIMEOUT = 'Write timeout = "30 min".'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("memory = 'much'", f"steps.s.memory must be an amount of memory, but it is 'much'. {MEMORY}"),
        ("memory = '0 GiB'", f"steps.s.memory must be an amount of memory, but it is '0 GiB'. {MEMORY}"),
        ("memory = -1", f"steps.s.memory must be an amount of memory, but it is -1. {MEMORY}"),
        ("memory = true", f"steps.s.memory must be an amount of memory, but it is a boolean. {MEMORY}"),
        ("memory = 1.5", f"steps.s.memory must be an amount of memory, but it is a number. {MEMORY}"),
        ("timeout = 'soon'", f"steps.s.timeout must be a duration, but it is 'soon'. {TIMEOUT}"),
        ("timeout = '5 parsecs'", f"steps.s.timeout must be a duration, but it is '5 parsecs'. {TIMEOUT}"),
        ("timeout = '0.2 s'", f"steps.s.timeout must be a duration, but it is '0.2 s'. {TIMEOUT}"),
        ("timeout = 0", f"steps.s.timeout must be a duration, but it is 0. {TIMEOUT}"),
        ("timeout = []", f"steps.s.timeout must be a duration, but it is a list. {TIMEOUT}"),
        ("retries = -1", "steps.s.retries must be between 0 and 100, but it is -1."),
        ("retries = 101", "steps.s.retries must be between 0 and 100, but it is 101."),
        ("retries = 'often'", "steps.s.retries must be an integer, but it is a string."),
        ("retries = { times = 1000 }", "steps.s.retries.times must be between 0 and 100, but it is 1000."),
        ("retries = { tims = 1 }", "steps.s.retries: unknown key 'tims'. Did you mean 'times'?"),
        (
            "memory = '1G'\nretries = { memory = '2G' }",
            'steps.s.retries.memory must be a list, but it is a string. Write memory = ["4 GiB", "8 GiB"].',
        ),
        (
            "memory = '1G'\nretries = { memory = ['x'] }",
            f"steps.s.retries.memory must be an amount of memory, but it is 'x'. {MEMORY}",
        ),
        (
            "retries = { memory = ['2G'] }",
            'steps.s.retries.memory raises a limit that the step does not have. Write memory = "2 GiB" beside retries.',
        ),
        (
            "memory = '1G'\nretries = { times = 1, memory = ['2G', '4G'] }",
            "steps.s.retries.memory has more amounts (2) than there are retries (1). Raise times, or remove it.",
        ),
        (
            "locks = 'x'",
            'steps.s.locks must be a list of strings, but it is a string. Write locks = ["license-x"].',
        ),
        (
            "locks = ['a b']",
            "steps.s.locks has 'a b', which cannot be a name. "
            "Use letters, digits, '_' and '-', and do not begin with '-'.",
        ),
    ],
)
def test_what_cannot_be_meant(text: str, message: str) -> None:
    with pytest.raises(NivisError) as caught:
        decode(text)
    assert str(caught.value).partition(": ")[2] == message
