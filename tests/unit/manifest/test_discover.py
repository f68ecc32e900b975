"""Finding the experiments of a project."""

from pathlib import Path

import pytest

from nivis.errors import NivisError
from nivis.manifest.discover import load_experiments
from nivis.manifest.model import Project


def project(root: Path, manifests: dict[str, str]) -> Project:
    for folder, text in manifests.items():
        (root / "experiments" / folder).mkdir(parents=True)
        (root / "experiments" / folder / "experiment.toml").write_text(text)
    return Project(root=root, name="p")


def test_by_name(tmp_path: Path) -> None:
    found = project(tmp_path, {"2026-01-02-b": "", "2026-01-01-z": "", "c": "[experiment]\nname = 'a'"})
    (tmp_path / "experiments" / "notes").mkdir()
    (tmp_path / "experiments" / "README.md").write_text("")
    assert {name: str(e.folder) for name, e in load_experiments(found).items()} == {
        "a": "experiments/c",
        "b": "experiments/2026-01-02-b",
        "z": "experiments/2026-01-01-z",
    }
    assert list(load_experiments(found)) == ["a", "b", "z"]


def test_no_folder(tmp_path: Path) -> None:
    assert load_experiments(Project(root=tmp_path, name="p")) == {}


def test_duplicates_and_mistakes_together(tmp_path: Path) -> None:
    found = project(tmp_path, {"2026-01-01-a": "", "2026-01-02-a": "", "b": "x = 1", "c": "y"})
    with pytest.raises(NivisError) as caught:
        load_experiments(found)
    assert str(caught.value).split("\n") == [
        (
            "experiments/2026-01-02-a/experiment.toml: 'a' is the name of two experiments: "
            "experiments/2026-01-01-a and experiments/2026-01-02-a. "
            'Rename a folder, or write name = "a-2" under [experiment] in one of them.'
        ),
        (
            "experiments/b/experiment.toml, line 1: unknown key 'x'. "
            "Known: checks, data, experiment, params, profiles, report, steps."
        ),
        (
            "experiments/c/experiment.toml, line 1: not valid TOML: expected '=' after a key in a key/value pair. "
            'A line is key = "value", or a [table].'
        ),
    ]


def test_only(tmp_path: Path) -> None:
    found = project(tmp_path, {"2026-01-01-a": "", "b": "mistake", "c": "[experiment]\nname = 'renamed'"})
    assert list(load_experiments(found, only=["a"])) == ["a"]
    assert list(load_experiments(found, only=["renamed"])) == ["renamed"]
    with pytest.raises(NivisError) as caught:
        load_experiments(found, only=["aa"])
    assert str(caught.value) == "no experiment named 'aa'. Did you mean 'a'?"


@pytest.mark.parametrize(
    ("asked", "hint"),
    [
        ("experiments/2026-01-01-a", "Did you mean 'a'?"),
        ("c/", "Did you mean 'renamed'?"),
        ("renamd", "Did you mean 'renamed'?"),
        ("zzz", "Known: a, b, renamed."),
    ],
)
def test_the_hint_names_experiments_not_folders(tmp_path: Path, asked: str, hint: str) -> None:
    found = project(tmp_path, {"2026-01-01-a": "", "b": "mistake", "c": "[experiment]\nname = 'renamed'"})
    with pytest.raises(NivisError) as caught:
        load_experiments(found, only=[asked])
    assert caught.value.hint == hint


def test_not_text(tmp_path: Path) -> None:
    found = project(tmp_path, {"a": ""})
    (tmp_path / "experiments/a/experiment.toml").write_bytes(b"\xff")
    with pytest.raises(NivisError) as caught:
        load_experiments(found)
    assert str(caught.value) == "experiments/a/experiment.toml: not UTF-8 text. Save it as UTF-8."


SMOKE = "[profiles.smoke]\n"


def test_a_profile_names_its_experiment(tmp_path: Path) -> None:
    found = project(tmp_path, {"a-b": SMOKE, "a": "broken", "c": f"[experiment]\nname = 'night-owl'\n{SMOKE}"})
    assert list(load_experiments(found, ["a-b-smoke"])) == ["a-b"]
    assert list(load_experiments(found, ["night-owl-smoke", "a-b"])) == ["a-b", "night-owl"]


def test_a_profile_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(NivisError) as caught:
        load_experiments(project(tmp_path, {"a": SMOKE}), ["a-smok"])
    assert str(caught.value) == "no experiment named 'a-smok'. Known: a."


@pytest.mark.parametrize("other", [{"a-smoke": ""}, {"z": "[experiment]\nname = 'a-smoke'\n"}, {"a-smoke": "broken"}])
def test_a_profile_with_the_name_of_an_experiment(tmp_path: Path, other: dict[str, str]) -> None:
    found = project(tmp_path, {"a": SMOKE, **other})
    with pytest.raises(NivisError) as caught:
        load_experiments(found, ["a"])
    assert str(caught.value) == (
        "experiments/a/experiment.toml: profiles.smoke: profile 'smoke' would be called 'a-smoke', "
        f"as experiments/{next(iter(other))} is. Rename one of them."
    )


def test_two_profiles_of_one_name(tmp_path: Path) -> None:
    with pytest.raises(NivisError) as caught:
        load_experiments(project(tmp_path, {"a": "[profiles.b-c]\n", "a-b": "[profiles.c]\n"}))
    assert str(caught.value) == (
        "experiments/a-b/experiment.toml: profiles.c: profile 'c' would be called 'a-b-c', as profile 'b-c' of 'a' is. "
        "Rename one of them."
    )
