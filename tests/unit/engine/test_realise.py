"""What is said of builds that fail."""

from __future__ import annotations

from collections import deque

from nivis.engine.realise import _problems
from nivis.errors import HostError, StepError
from nivis.nix.builds import Build, BuildState

DRV = "/nix/store/9b8n7ifz965sfzmwwd534s7z10lldvks-lab-work.drv"
OTHER = "/nix/store/1b8n7ifz965sfzmwwd534s7z10lldvks-six-1.drv"
HINT = "'nivis log lab.work' shows the whole log, 'nivis shell lab.work' enters its environment."


def failed(*lines: str, drv: str = DRV, reason: str = "exit code 3") -> Build:
    return Build(derivation=drv, started=0.0, lines=deque(lines), reason=reason)


def state(*builds: Build, errors: tuple[str, ...] = ()) -> BuildState:
    found = BuildState()
    found.failed.update({build.derivation: build for build in builds})
    found.errors.extend(errors)
    return found


def test_a_step_that_failed() -> None:
    lines = [f"line {i}" for i in range(20)]
    usage = '@nivis {"seconds":0,"user":0,"system":0,"memory":1}'
    [problem] = _problems(state(failed(*lines, usage, "oh no")), {DRV: "lab.work"})
    assert isinstance(problem, StepError)
    shown = "".join(f"    line {i}\n" for i in range(9, 20))
    assert str(problem) == (f"lab.work: the step failed: exit code 3; its last lines:\n{shown}    oh no\n{HINT}")


def test_a_step_that_failed_in_silence() -> None:
    [problem] = _problems(state(failed()), {DRV: "lab.work"})
    assert str(problem) == f"lab.work: the step failed: exit code 3. {HINT}"
    [problem] = _problems(state(failed(reason="")), {DRV: "lab.work"})
    assert str(problem) == f"lab.work: the step failed: no reason given. {HINT}"


def test_a_step_that_did_not_write_what_it_promised() -> None:
    lines = ("the command did not write: a.csv,b.json", "it wrote instead:", "  a.cvs")
    [problem] = _problems(state(failed(*lines)), {DRV: "lab.work"})
    assert problem.what.startswith("the step did not write a.csv,b.json; its last lines:\n")
    assert "it wrote instead:\n      a.cvs" in problem.what


def test_a_build_that_is_no_step_fails_as_nix_says() -> None:
    [problem] = _problems(state(failed("error: odd", drv=OTHER)), {})
    assert isinstance(problem, HostError)
    assert str(problem) == "nix failed while building six-1: odd. Run `nivis doctor` to check this machine."
    [problem] = _problems(state(failed("error: odd", drv=OTHER)), {OTHER: "python environment"})
    assert problem.what == "nix failed while building python environment: odd"


def test_every_failure_is_told_in_order() -> None:
    problems = _problems(state(failed(), failed(drv=OTHER)), {DRV: "lab.work", OTHER: "lab.six"})
    assert [problem.where for problem in problems] == ["lab.six", "lab.work"]


def test_nix_itself_failed() -> None:
    [problem] = _problems(state(errors=("error: odd",)), {})
    assert problem.what == "nix failed while building: odd"
