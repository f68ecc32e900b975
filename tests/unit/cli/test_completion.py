"""Completion of experiments and steps, and the scripts."""

import io
from pathlib import Path

import pytest

from nivis.cli.completion import experiment_names, targets
from nivis.cli.main import run
from nivis.cli.session import Session


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "pyproject.toml").write_text('[tool.nivis]\nexperiments = "trials"\n')
    for folder, text in {
        "2026-11-20-penguins": '[experiment]\ntitle = "Bills"\n[steps.clean]\n[steps.train]\n[steps.trace]\n',
        "owls": '[experiment]\nname = "night-owls"\n',
        "broken": "[experiment\n",
    }.items():
        (tmp_path / "trials" / folder).mkdir(parents=True)
        (tmp_path / "trials" / folder / "experiment.toml").write_text(text)
    return tmp_path


@pytest.mark.parametrize(
    ("incomplete", "offered"),
    [
        ("", [("broken", ""), ("night-owls", ""), ("penguins", "Bills")]),
        ("pen", [("penguins", "Bills")]),
        ("penguins.", [("penguins.clean", ""), ("penguins.trace", ""), ("penguins.train", "")]),
        ("penguins.tr", [("penguins.trace", ""), ("penguins.train", "")]),
        ("owls.", []),
        ("night-owls.", []),
    ],
)
def test_what_is_offered(project: Path, incomplete: str, offered: list[tuple[str, str]]) -> None:
    below = project / "trials/owls"
    assert sorted(targets(below, incomplete)) == offered


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
