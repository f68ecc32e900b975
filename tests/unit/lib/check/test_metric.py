"""Floors and ceilings for metrics."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from support.builder import builder

metric = builder("check/metric.py")
merged = builder("metrics.py").merged


def examine(folder: Path, bounds: dict[str, float], *labels: str, key: str = "score.f1") -> dict[str, Any]:
    outputs = [{"label": label, "path": str(folder / label)} for label in labels] or [{"path": str(folder)}]
    found: dict[str, Any] = metric.examine("train", key, outputs, ["m.json"], bounds, merged)
    return found


def write(folder: Path, value: object) -> None:
    folder.mkdir(exist_ok=True)
    (folder / "m.json").write_text(json.dumps({"score": {"f1": value}, "n": 3}))


@pytest.mark.parametrize(
    ("value", "what"),
    [
        (0.9, None),
        (1, None),
        (0.89, "train.score.f1 is 0.89, less than 0.9"),
        (1.5, "train.score.f1 is 1.5, more than 1"),
        (None, "train.score.f1 is not a number"),
        (True, "train.score.f1 is true"),
        ("high", 'train.score.f1 is "high"'),
    ],
)
def test_bounds(tmp_path: Path, value: object, what: str | None) -> None:
    write(tmp_path, value)
    found = examine(tmp_path, {"at-least": 0.9, "at-most": 1})
    assert found["held"] is (what is None)
    assert found["found"] == ([{"what": what}] if what else [])


def test_what_was_seen(tmp_path: Path) -> None:
    write(tmp_path, 0.95)
    assert examine(tmp_path, {"at-least": 0.9})["seen"] == "train.score.f1 = 0.95"


def test_every_instance(tmp_path: Path) -> None:
    for index in range(5):
        write(tmp_path / f"c={index}", index / 10)
    found = examine(tmp_path, {"at-least": 0.1}, *(f"c={index}" for index in range(5)))
    assert found == {
        "held": False,
        "seen": "train@c=0.score.f1 = 0.0, train@c=1.score.f1 = 0.1, train@c=2.score.f1 = 0.2 and 2 more",
        "found": [{"what": "train@c=0.score.f1 is 0.0, less than 0.1"}],
    }


def test_a_metric_that_is_not_there(tmp_path: Path) -> None:
    write(tmp_path, 1)
    [finding] = examine(tmp_path, {"at-least": 0.9}, key="f1")["found"]
    assert finding == {"what": "train.f1 is not there; its metrics are: n, score.f1"}


def test_metrics_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "m.json").write_text("{")
    [finding] = examine(tmp_path, {"at-least": 0.9})["found"]
    assert finding["what"].startswith("steps.train.metrics: m.json is not readable: ")
