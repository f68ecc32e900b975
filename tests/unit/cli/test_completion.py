"""Completion of experiments and steps, and the scripts."""

import io
from pathlib import Path

import click
import pytest

from nivis.cli.completion import complete_with, experiment_names, parameters, profiles, targets
from nivis.cli.main import run
from nivis.cli.session import Session


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "pyproject.toml").write_text('[tool.nivis]\nexperiments = "trials"\n')
    for folder, text in {
        "2026-11-20-penguins": (
            '[experiment]\ntitle = "Bills"\n[params]\nmodel.c = 1\nseed = 0\n[profiles.smoke]\n'
            "[steps.clean]\n[steps.train]\n[steps.trace]\n[checks.bills]\n"
        ),
        "owls": '[experiment]\nname = "night-owls"\n',
        "broken": "[experiment\n",
    }.items():
        (tmp_path / "trials" / folder).mkdir(parents=True)
        (tmp_path / "trials" / folder / "experiment.toml").write_text(text)
    (tmp_path / "nix/plans").mkdir(parents=True)
    plan = '{"steps": {"clean": {}, "train": {"instances": {"c=0.1": {}, "c=1": {}}}}}'
    (tmp_path / "nix/plans/penguins.json").write_text(plan)
    return tmp_path


@pytest.mark.parametrize(
    ("incomplete", "offered"),
    [
        ("", [("broken", ""), ("night-owls", ""), ("penguins", "Bills"), ("penguins-smoke", "profile smoke")]),
        ("pen", [("penguins", "Bills"), ("penguins-smoke", "profile smoke")]),
        ("penguins-smoke.cl", [("penguins-smoke.clean", "")]),
        ("penguins.train@", [("penguins.train@c=0.1", ""), ("penguins.train@c=1", "")]),
        ("penguins.train@c=0", [("penguins.train@c=0.1", "")]),
        ("penguins-smoke.train@", []),
        (
            "penguins.",
            [("penguins.checks.bills", ""), ("penguins.clean", ""), ("penguins.trace", ""), ("penguins.train", "")],
        ),
        ("penguins.ch", [("penguins.checks.bills", "")]),
        ("penguins.tr", [("penguins.trace", ""), ("penguins.train", "")]),
        ("owls.", []),
        ("night-owls.", []),
    ],
)
def test_what_is_offered(project: Path, incomplete: str, offered: list[tuple[str, str]]) -> None:
    below = project / "trials/owls"
    assert sorted(targets(below, incomplete)) == offered


def test_steps_at_once(project: Path) -> None:
    offered = [name for name, _ in targets(project, "pen", steps=True)]
    steps = ("clean", "train", "trace", "checks.bills")
    assert offered == [f"{name}.{step}" for name in ("penguins", "penguins-smoke") for step in steps]


def test_profiles_and_parameters(project: Path) -> None:
    assert list(profiles(project, "s")) == ["smoke"]
    assert list(parameters(project, "")) == ["model.c=", "seed="]
    assert list(parameters(project, "mo")) == ["model.c="]
    context = click.Context(click.Command("build"), obj=Session(directory=project))
    found = complete_with(parameters)(context, click.Option(["-P"]), "se")
    assert [item.value for item in found] == ["seed="]


def test_outside_a_project_nothing_is_offered(tmp_path: Path) -> None:
    assert list(targets(tmp_path, "")) == []


def test_folders_by_name(project: Path) -> None:
    assert experiment_names(project / "trials") == {
        "penguins": "2026-11-20-penguins",
        "broken": "broken",
        "night-owls": "owls",
    }


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_scripts(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["completion", shell], Session()) == 0
    assert f"_NIVIS_COMPLETE={shell}_complete" in capsys.readouterr().out


def test_an_unknown_shell() -> None:
    session = Session(stderr=io.StringIO())
    assert run(["completion", "csh"], session) == 2
    assert isinstance(session.stderr, io.StringIO)
    assert session.stderr.getvalue() == (
        "nivis: completion: invalid value for '{bash|zsh|fish}': 'csh' is not one of 'bash', 'zsh', 'fish'. "
        "Run 'nivis completion --help' to see what it takes.\n"
    )
