"""What people and programs read of a build."""

from __future__ import annotations

from pathlib import Path

import pytest

from nivis.cli.build import document, flatten, summary
from nivis.engine.build import Outcome
from nivis.engine.targets import Target

ROOT = Path("/project")
OUTCOME = Outcome(
    target=Target("birds"),
    link=ROOT / "generated/birds",
    out="/nix/store/x-birds",
    built=("birds.clean", "birds.train"),
    metrics={"train": {"accuracy": 0.97123456789, "birds": {"test": 86}, "good": True}},
    figures=(ROOT / "generated/birds/figures/a.svg", ROOT / "generated/birds/figures/b.svg"),
)


def test_the_summary() -> None:
    assert summary(OUTCOME, ROOT) == (
        "birds: built birds.clean, birds.train\n"
        "  train.accuracy = 0.971235\n"
        "  train.birds.test = 86\n"
        "  train.good = True\n"
        "  figures  generated/birds/figures/a.svg, generated/birds/figures/b.svg\n"
        "  result   generated/birds"
    )


def test_nothing_to_do() -> None:
    outcome = Outcome(target=Target("birds", "train"), link=ROOT / "generated/birds.train", out="/nix/store/x")
    assert summary(outcome, ROOT) == "birds.train: nothing to do\n  result   generated/birds.train"


def test_the_document() -> None:
    assert document(OUTCOME, ROOT) == {
        "target": "birds",
        "link": "generated/birds",
        "output": "/nix/store/x-birds",
        "built": ["birds.clean", "birds.train"],
        "metrics": {"train": {"accuracy": 0.97123456789, "birds": {"test": 86}, "good": True}},
        "figures": ["generated/birds/figures/a.svg", "generated/birds/figures/b.svg"],
    }


@pytest.mark.parametrize(
    ("metrics", "flat"),
    [
        ({}, []),
        ({"a": 1, "b": {"c": 1e-9, "d": {"e": 123456789.0}}}, [("a", "1"), ("b.c", "1e-09"), ("b.d.e", "1.23457e+08")]),
        ({"a": [1, 2], "b": None}, [("a", "[1, 2]"), ("b", "None")]),
    ],
)
def test_flatten(metrics: object, flat: list[tuple[str, str]]) -> None:
    assert list(flatten(metrics)) == flat
