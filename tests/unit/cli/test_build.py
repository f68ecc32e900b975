"""What people and programs read of a build."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from nivis.cli.build import document, flatten, summary
from nivis.engine.build import Outcome
from nivis.engine.checks import CheckResult, Finding
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


def shown(path: Path) -> str:
    return str(path.relative_to(ROOT))


def test_the_summary() -> None:
    assert summary(OUTCOME, shown) == (
        "birds: built birds.clean, birds.train\n"
        "  train.accuracy = 0.971235\n"
        "  train.birds.test = 86\n"
        "  train.good = True\n"
        "  figures  generated/birds/figures/a.svg\n"
        "           generated/birds/figures/b.svg\n"
        "  result   generated/birds"
    )


HELD = CheckResult(name="bills", why="w", fix="f", severity="block", held=True, seen="344 rows, 8 columns")
WARNED = CheckResult(name="sex", why="w", fix="f", severity="warn", held=False, found=(Finding(what="no"),))


@pytest.mark.parametrize(
    ("checks", "text"),
    [
        ((HELD,), "1 held (344 rows, 8 columns)"),
        ((HELD, HELD), "2 held"),
        ((HELD, WARNED), "1 held, 1 does not: sex"),
        ((WARNED, WARNED), "0 held, 2 do not: sex, sex"),
    ],
)
def test_checks_are_counted(checks: tuple[CheckResult, ...], text: str) -> None:
    lines = summary(replace(OUTCOME, checks=checks), shown).split("\n")
    assert lines[4] == f"  checks   {text}"


def test_checks_in_the_document() -> None:
    assert document(replace(OUTCOME, checks=(HELD, WARNED)), ROOT)["checks"] == {
        "bills": {"state": "held", "seen": "344 rows, 8 columns", "found": []},
        "sex": {"state": "warned", "seen": "", "found": ["no"]},
    }


def test_nothing_to_do() -> None:
    outcome = Outcome(target=Target("birds", "train"), link=ROOT / "generated/birds.train", out="/nix/store/x")
    assert summary(outcome, shown) == "birds.train: up to date\n  result   generated/birds.train"


def test_the_document() -> None:
    assert document(OUTCOME, ROOT) == {
        "target": "birds",
        "link": "generated/birds",
        "output": "/nix/store/x-birds",
        "built": ["birds.clean", "birds.train"],
        "metrics": {"train": {"accuracy": 0.97123456789, "birds": {"test": 86}, "good": True}},
        "figures": ["generated/birds/figures/a.svg", "generated/birds/figures/b.svg"],
        "checks": {},
    }


@pytest.mark.parametrize(
    ("metrics", "flat"),
    [
        ({}, []),
        ({"a": 1, "b": {"c": 1e-9, "d": {"e": 123456789.0}}}, [("a", "1"), ("b.c", "1e-09"), ("b.d.e", "1.23457e+08")]),
        ({"a": [1, 2], "b": None}, [("a", "[1, 2]"), ("b", "not a number")]),
    ],
)
def test_flatten(metrics: object, flat: list[tuple[str, str]]) -> None:
    assert list(flatten(metrics)) == flat


SWEPT = Outcome(
    target=Target("birds"),
    link=ROOT / "generated/birds",
    out="/nix/store/x-birds",
    built=("birds.clean", "birds.train@c=1", "birds.train@c=2"),
    sweeps={"train": 3},
    metrics={
        "clean": {"rows": 3},
        "train": {
            "c=1": {"accuracy": 0.5, "kind": "a", "same": 1},
            "c=2": {"accuracy": 0.75, "kind": "b", "same": 1},
            "c=3": {"accuracy": 0.25, "kind": "a", "same": 1},
        },
    },
    figures=tuple(ROOT / f"generated/birds/figures/{n}.svg" for n in range(8)),
)


def test_a_sweep_is_folded() -> None:
    assert summary(SWEPT, shown) == (
        "birds: built birds.clean, birds.train (2 of 3 instances)\n"
        "  clean.rows = 3\n"
        "  train.accuracy = 0.25 … 0.75 (3 instances)\n"
        "  train.kind = 2 values (3 instances)\n"
        "  train.same = 1 (3 instances)\n"
        "  figures  generated/birds/figures/0.svg\n"
        f"{''.join(f'           generated/birds/figures/{n}.svg{chr(10)}' for n in range(1, 6))}"
        "           and 2 more\n"
        "  result   generated/birds"
    )


def test_a_sweep_unfolded() -> None:
    lines = summary(SWEPT, shown, unfold=True).split("\n")
    assert lines[0] == "birds: built birds.clean, birds.train@c=1, birds.train@c=2"
    assert lines[2] == "  train.c=1.accuracy = 0.5"
    assert lines[-2].endswith("7.svg")


def test_the_document_has_every_instance() -> None:
    assert document(SWEPT, ROOT)["built"] == ["birds.clean", "birds.train@c=1", "birds.train@c=2"]
