"""What a failed build means, in the project's words."""

from collections import deque

import pytest

from nivis.engine.realise import problems_of
from nivis.errors import NivisError, StepError
from nivis.nix.builds import Build, BuildState

DRV = "/nix/store/9b8n7ifz965sfzmwwd534s7z10lldvks-penguins-train.drv"
OTHER = "/nix/store/1b8n7ifz965sfzmwwd534s7z10lldvks-six-1.drv"
USAGE = '@nivis {"seconds":0.1,"user":0.1,"system":0.0,"memory":14000}'


def problem(label: str | None, reason: str, *lines: str) -> NivisError:
    state = BuildState()
    state.failed[DRV] = Build(derivation=DRV, started=0.0, lines=deque(lines), reason=reason)
    [found] = problems_of(state, {DRV: label} if label else {})
    return found


def test_a_step_that_fails_shows_its_last_lines_and_both_ways_on() -> None:
    lines = [f"epoch {number}" for number in range(20)]
    error = problem("penguins.train", "failed with exit code 1", *lines, USAGE, "the command ended with status 1")
    shown = "".join(f"    epoch {number}\n" for number in range(9, 20))
    assert str(error) == (
        "penguins.train: the step failed with exit code 1; its last lines:\n"
        f"{shown}    the command ended with status 1\n"
        "  'nivis log penguins.train' shows the whole log, 'nivis shell penguins.train' enters its environment."
    )
    assert error.exit_code == 1


def test_a_step_without_a_word() -> None:
    assert str(problem("penguins.train", "failed with exit code 3")) == (
        "penguins.train: the step failed with exit code 3. "
        "'nivis log penguins.train' shows the whole log, 'nivis shell penguins.train' enters its environment."
    )


@pytest.mark.parametrize("label", ["penguins.train", "tools (bwa)"])
def test_a_machine_without_user_namespaces(label: str) -> None:
    refused = "this machine does not let a build make user namespaces, which tools need. Allow them, as root: `x`; y."
    error = problem(label, "failed with exit code 1", "bwrap: setting up uid map: Permission denied", refused)
    assert str(error) == (
        f"{label}: this machine does not let a build make user namespaces, which tools need "
        "(bwrap: setting up uid map: Permission denied). Allow them, as root: `x`; y."
    )
    assert error.exit_code == 3


@pytest.mark.parametrize("reason", ["failed with exit code 137", "failed due to signal 9 (Killed)"])
def test_a_step_that_was_killed(reason: str) -> None:
    what = problem("penguins.train", reason).what
    assert what == f"the step {reason} (it was killed: perhaps it needs more memory than there is)"


def test_a_step_that_removes_its_output_folder() -> None:
    what = problem("penguins.train", "failed to produce output path for output 'out' at '/nix/store/x'").what
    assert what == "the step failed: its command removed ${out}"


def test_a_missing_output() -> None:
    error = problem(
        "penguins.train",
        "failed with exit code 1",
        "trained",
        "the command did not write: 'model.json', 'sub/x'",
        "it wrote instead:",
        "  modle.json",
    )
    assert str(error).splitlines()[:3] == [
        "penguins.train: the step did not write 'model.json', 'sub/x':",
        "    it wrote instead:",
        "      modle.json",
    ]


def test_metrics_that_cannot_be_read_are_the_steps_fault() -> None:
    error = problem(
        "penguins (result)", "failed with exit code 1", "steps.train.metrics: metrics.json is not readable: Extra data"
    )
    assert str(error) == "penguins.train: metrics: metrics.json is not readable: Extra data. Correct what it writes."
    assert error.exit_code == 1


def test_what_is_no_step_is_not_told_in_one_endless_line() -> None:
    error = problem(
        None, "failed with exit code 1", "Traceback (most recent call last):", '  File "wheel.py"', "KeyError"
    )
    assert str(error) == (
        "building penguins-train failed with exit code 1; its last lines:\n"
        '    Traceback (most recent call last):\n      File "wheel.py"\n    KeyError\n'
        f"  `nix log {DRV}` shows the whole log."
    )
    assert error.exit_code == 3


def test_a_full_disk_is_told_as_such() -> None:
    lines = ["compiling bytecode: OSError(28, 'No space left on device')", "a bytecode compiler ended with status 1"]
    assert problem("toolchain", "failed with exit code 1", *lines).what == (
        "no space left on the disk that holds the Nix store"
    )


def test_every_failure_is_told_in_order() -> None:
    state = BuildState()
    for drv in (DRV, OTHER):
        state.failed[drv] = Build(derivation=drv, started=0.0, reason="failed with exit code 1")
    problems = problems_of(state, {DRV: "lab.work", OTHER: "lab.six"})
    assert [problem.where for problem in problems] == ["lab.six", "lab.work"]


def test_what_ended_the_run_is_told_beside_what_failed() -> None:
    state = BuildState()
    state.failed[DRV] = Build(derivation=DRV, started=0.0, reason="failed with exit code 1")
    state.stray.append("error: writing to file: No space left on device")
    problems = problems_of(state, {DRV: "lab.work"})
    assert [problem.where for problem in problems] == ["lab.work", "/nix"]


def test_nix_itself_failed() -> None:
    state = BuildState()
    state.errors.append("error: odd")
    [error] = problems_of(state, {})
    assert error.what == "nix failed while building: odd"


def test_a_folder_that_is_kept_is_told_of() -> None:
    [error] = problems_of(*_failed_with(folder="/tmp/nix-build-x-a.drv-0"))
    assert isinstance(error, StepError)
    assert (error.folder, error.hint) == (
        "/tmp/nix-build-x-a.drv-0",
        "'nivis log x.a' shows the whole log, 'nivis shell x.a' enters its folder as it left it.",
    )


def _failed_with(*, folder: str) -> tuple[BuildState, dict[str, str]]:
    drv = "/nix/store/9b8n7ifz965sfzmwwd534s7z10lldvks-x-a.drv"
    state = BuildState()
    state.failed[drv] = Build(derivation=drv, started=0.0, reason="failed with exit code 1", folder=folder)
    return state, {drv: "x.a"}
