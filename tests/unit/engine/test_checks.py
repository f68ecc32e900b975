"""What is said of checks, from what lib/ wrote about them."""

from __future__ import annotations

import json
from collections import deque
from pathlib import Path

import pytest

from nivis.engine.checks import CheckResult, Finding, blocked, check_name, check_of, checks_of, problem, warnings
from nivis.engine.realise import problems_of
from nivis.nix.builds import Build, BuildState

DRV = "/nix/store/9b8n7ifz965sfzmwwd534s7z10lldvks-birds-checks.bills-verdict.drv"
RAW = {
    "why": "Bills are in\n  millimetres",
    "fix": "Ask the station",
    "severity": "block",
    "held": False,
    "seen": "344 rows, 8 columns",
    "found": [{"what": "bill: 1 of 344 values is not between 20 and 70", "rows": [1], "lines": ["row 1: 391"]}],
}
CHECK = CheckResult(
    name="bills",
    why="Bills are in\n  millimetres",
    fix="Ask the station",
    severity="block",
    held=False,
    seen="344 rows, 8 columns",
    found=(Finding(what="bill: 1 of 344 values is not between 20 and 70", lines=("row 1: 391",)),),
)


def test_a_blocked_check_says_why_what_and_what_to_do() -> None:
    state = BuildState()
    lines = deque(["@nivis " + json.dumps({"check": {"name": "bills", **RAW}}), "the check 'bills' does not hold"])
    state.failed[DRV] = Build(derivation=DRV, started=0.0, lines=lines, reason="failed with exit code 1")
    [error] = problems_of(state, {DRV: "birds.checks.bills"})
    assert str(error) == (
        "birds.checks.bills: the check does not hold:\n"
        "    assumed: Bills are in millimetres\n"
        "    found: bill: 1 of 344 values is not between 20 and 70\n"
        "      row 1: 391\n"
        "  Ask the station."
    )
    assert error.exit_code == 1


def test_a_check_that_failed_otherwise_is_no_assumption_that_does_not_hold() -> None:
    assert (
        blocked(['@nivis {"seconds":0.1,"user":0.1,"system":0.0,"memory":14000}', "killed"], "birds.checks.x") is None
    )


def test_a_warning_says_that_it_is_one() -> None:
    check = CheckResult(name="x", why="w", fix="f.", severity="warn", held=False, found=(Finding(what="no"),))
    held = CheckResult(name="y", why="w", fix="f", severity="warn", held=True)
    assert [str(error) for error in warnings([check, held, CHECK], "birds")] == [
        "birds.checks.x: warning: the check does not hold:\n    assumed: w\n    found: no\n  f."
    ]


def test_many_findings_are_cut() -> None:
    found = tuple(Finding(what=f"w{n}", lines=tuple(f"row {row}" for row in range(5))) for n in range(20))
    check = CheckResult(name="x", why="w", fix="f", severity="block", held=False, found=found)
    lines = problem(check, "x").lines
    assert lines[1:3] == ("found: w0", "  row 4")
    assert lines[-1] == "and 8 more"
    assert len(lines) == 2 + 2 * 12


@pytest.mark.parametrize(
    ("severity", "held", "state", "note"),
    [("block", True, "held", "3 rows"), ("block", False, "blocked", "no"), ("warn", False, "warned", "no")],
)
def test_states(severity: str, held: bool, state: str, note: str) -> None:
    check = CheckResult(
        name="x", why="w", fix="f", severity=severity, held=held, seen="3 rows", found=(Finding(what="no"),)
    )
    assert (check.state, check.note) == (state, note)


def test_a_result_has_them_all(tmp_path: Path) -> None:
    assert checks_of(tmp_path) == ()
    (tmp_path / "checks.json").write_text(json.dumps({"bills": RAW}))
    assert checks_of(tmp_path) == (CHECK,)


def test_one_check_by_itself(tmp_path: Path) -> None:
    (tmp_path / "check.json").write_text(json.dumps({key: RAW[key] for key in ("held", "seen", "found")}))
    plan = {"checks": {"bills": {key: RAW[key] for key in ("why", "fix", "severity")}}}
    assert check_of(tmp_path, "bills", plan) == CHECK


def test_names() -> None:
    assert [check_name(step) for step in (None, "train", "checks", "checks.bills")] == [None, None, None, "bills"]
