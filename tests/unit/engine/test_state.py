"""What a project remembers of its builds; never more than a memory."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from nivis.engine.state import Result, State, StepRun, read_state, write_state

STATE = State(
    results={"birds": Result(key="k", out="/nix/store/r")},
    steps={
        "birds.clean": StepRun(out="/nix/store/c", seconds=1.5, memory=2048),
        "birds.train": StepRun(out="/nix/store/t", failed=True),
    },
)


def test_it_reads_what_it_writes(tmp_path: Path) -> None:
    write_state(tmp_path, STATE)
    assert read_state(tmp_path) == STATE
    before = (tmp_path / ".nivis/state.json").read_bytes()
    write_state(tmp_path, State(results=dict(STATE.results), steps=dict(sorted(STATE.steps.items(), reverse=True))))
    assert (tmp_path / ".nivis/state.json").read_bytes() == before


def test_without_a_file_nothing_is_remembered(tmp_path: Path) -> None:
    assert read_state(tmp_path) == State()


@pytest.mark.parametrize(
    "spoilt",
    [
        b"",
        b"{",
        b"[]",
        b"\xff",
        b'{"version": 1}',
        b'{"version": 2, "results": {}, "steps": {}}',
        b'{"version": 1, "results": {"x": {"key": "k"}}, "steps": {}}',
        b'{"version": 1, "results": {}, "steps": {"x": 1}}',
        b'{"version": 1, "results": {}, "steps": {"x": {"out": "o", "later": 1}}}',
    ],
)
def test_a_spoilt_file_counts_as_none_and_is_replaced(tmp_path: Path, spoilt: bytes) -> None:
    (tmp_path / ".nivis").mkdir()
    (tmp_path / ".nivis/state.json").write_bytes(spoilt)
    assert read_state(tmp_path) == State()
    write_state(tmp_path, STATE)
    assert read_state(tmp_path) == STATE


def test_what_is_replaced_and_what_stays() -> None:
    newer = STATE.with_result("owls", Result(key="o", out="/nix/store/o")).with_steps(
        {"birds.train": StepRun(out="/nix/store/t2")}
    )
    assert sorted(newer.results) == ["birds", "owls"]
    assert newer.steps["birds.train"] == StepRun(out="/nix/store/t2")
    assert newer.steps["birds.clean"] == STATE.steps["birds.clean"]
    assert STATE.steps["birds.train"].failed


def test_the_file_leaves_out_what_is_not_known(tmp_path: Path) -> None:
    write_state(tmp_path, STATE)
    steps = json.loads((tmp_path / ".nivis/state.json").read_text())["steps"]
    assert steps["birds.train"] == {"out": "/nix/store/t", "failed": True}


def test_a_folder_is_remembered(tmp_path: Path) -> None:
    state = State(steps={"x.a": StepRun(out="/nix/store/o", failed=True, folder="/tmp/nix-build-a.drv-0")})
    write_state(tmp_path, state)
    assert read_state(tmp_path) == state
