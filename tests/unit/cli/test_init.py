"""``nivis init``: new projects, and projects that are there already."""

import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from nivis.cli.init import project_name, start, with_settings
from nivis.cli.main import run
from nivis.cli.session import Session
from nivis.errors import ManifestError, UsageError
from nivis.flake.resources import read_tree, resource_folder
from nivis.manifest.discover import load_experiments
from nivis.manifest.project import load_project


@pytest.fixture(autouse=True)
def _no_git_around(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))


@pytest.fixture
def init(tmp_path: Path) -> Callable[..., tuple[int, str, str]]:
    def call(*arguments: str, directory: Path = tmp_path) -> tuple[int, str, str]:
        stdout, stderr = io.StringIO(), io.StringIO()
        status = run(["init", *arguments], Session(directory=directory, stdout=stdout, stderr=stderr))
        return status, stdout.getvalue(), stderr.getvalue()

    return call


@pytest.mark.parametrize(("template", "experiment"), [("minimal", "squares"), ("pipeline", "penguins")])
def test_a_new_project(
    init: Callable[..., tuple[int, str, str]], tmp_path: Path, template: str, experiment: str
) -> None:
    status, _, told = init("My Birds", "-t", template)
    root = tmp_path / "My Birds"
    count = len(read_tree(resource_folder("templates") / template))
    assert (status, told.splitlines()) == (
        0,
        [
            f"created My Birds from the template '{template}'",
            "started a git repository",
            (
                f"told git about .gitattributes, .gitignore, README.md and {count - 3} more (git add --intent-to-add), "
                "so that Nix sees them"
            ),
            "next:",
            "  cd 'My Birds'",
            "  nivis lock",
            f"  nivis build {experiment}",
        ],
    )
    project = load_project(root)
    assert project.name == "my-birds"
    assert experiment in load_experiments(project)
    assert (root / "README.md").read_text().startswith("# my-birds\n")


def test_the_answer_for_programs(init: Callable[..., tuple[int, str, str]], tmp_path: Path) -> None:
    (tmp_path / "here").mkdir()
    status, answer, _ = init("--json", directory=tmp_path / "here")
    assert (status, json.loads(answer)) == (
        0,
        {
            "root": str(tmp_path / "here"),
            "template": "minimal",
            "written": [
                ".gitattributes",
                ".gitignore",
                "README.md",
                "experiments/2026-11-20-squares/experiment.toml",
                "experiments/2026-11-20-squares/sum.py",
                "flake.lock",
                "flake.nix",
                "pyproject.toml",
            ],
            "next": ["nivis lock", "nivis build squares"],
        },
    )


def test_an_existing_project_keeps_everything(init: Callable[..., tuple[int, str, str]], tmp_path: Path) -> None:
    before = '# mine\n[project]\nname = "old"   # odd   spacing\nversion = "1"\nrequires-python = "~=3.11.2"\n'
    (tmp_path / "pyproject.toml").write_text(before)
    (tmp_path / ".gitignore").write_text("*.pyc\n")
    (tmp_path / "flake.nix").write_text("{ }\n")
    status, _, told = init()
    assert (status, told.splitlines()) == (
        0,
        [
            "adopted this folder: .gitattributes, .gitignore, pyproject.toml",
            "note: flake.nix is your own and stays; 'nivis lock' writes another one once you have moved it away",
            "note: Nix sees only what git knows of, and there is no git repository here yet",
            "next:",
            "  git init",
            "  nivis new first-look",
            "  nivis build",
        ],
    )
    assert (tmp_path / "pyproject.toml").read_text() == before + (
        '\n[tool.nivis.toolchain]\nsuite = "bookworm"           # the Debian release: Python 3.11\n'
    )
    assert (tmp_path / ".gitignore").read_text() == "*.pyc\n\n# nivis\n/generated/\n/data/\n/.nivis/\n"
    assert (tmp_path / "flake.nix").read_text() == "{ }\n"
    assert init()[2].splitlines()[0] == "nothing to add: this folder is a nivis project"


def test_a_folder_without_pyproject_gets_one(tmp_path: Path) -> None:
    (tmp_path / "script.py").touch()
    started = start(tmp_path, None)
    assert [str(path) for path in started.written] == [".gitattributes", ".gitignore", "flake.nix", "pyproject.toml"]
    assert load_project(tmp_path).name == project_name(tmp_path)


def test_a_template_is_for_a_new_project(tmp_path: Path) -> None:
    (tmp_path / "x").touch()
    with pytest.raises(UsageError) as caught:
        start(tmp_path, "pipeline")
    assert str(caught.value) == (
        f"{tmp_path}: the folder is not empty, and a template is for a new project. "
        "Run 'nivis init' there without --template to adopt it, or give another folder."
    )


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "x").touch()
    with pytest.raises(UsageError) as caught:
        start(tmp_path / "x", None)
    assert str(caught.value) == "init: 'x' is a file. Give a folder, or a name for a new one."


def test_a_broken_pyproject_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[project\n")
    with pytest.raises(ManifestError) as caught:
        start(tmp_path, None)
    assert str(caught.value) == (
        f"{tmp_path}/pyproject.toml: Unexpected character: '\\n' at line 1 col 8. Correct the file first."
    )
    assert [path.name for path in tmp_path.iterdir()] == ["pyproject.toml"]


@pytest.mark.parametrize(
    ("requires", "suite"),
    [
        (">=3.11", "trixie"),
        (">=3.13", "trixie"),
        (">=3.11,<3.13", "bookworm"),
        ("==3.11.*", "bookworm"),
        ("<3.9", "trixie"),
        ("nonsense", "trixie"),
    ],
)
def test_the_release_whose_python_is_allowed(tmp_path: Path, requires: str, suite: str) -> None:
    text = with_settings(f'[project]\nname = "x"\nrequires-python = "{requires}"\n', tmp_path)
    assert f'\n[tool.nivis.toolchain]\nsuite = "{suite}"' in text


@pytest.mark.parametrize("text", ["tool = { x = 1 }\n", "[tool]\nx = 1\n", "[tool.x]\ny = 1", "", "# only this"])
def test_settings_join_whatever_is_there(tmp_path: Path, text: str) -> None:
    (tmp_path / "pyproject.toml").write_text(with_settings(text, tmp_path))
    assert load_project(tmp_path).toolchain.suite == "trixie"


def test_existing_settings_stay(tmp_path: Path) -> None:
    text = "[tool.nivis]\nurls = false\n"
    assert with_settings(text, tmp_path) == text


@pytest.mark.parametrize(("folder", "name"), [("My Birds", "my-birds"), ("a__b.c", "a-b-c"), ("ü", "experiments")])
def test_names_of_projects(folder: str, name: str) -> None:
    assert project_name(Path("/x") / folder) == name
