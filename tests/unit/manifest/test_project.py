"""Finding a project and decoding [tool.nivis]."""

from pathlib import Path, PurePosixPath

import pytest

from nivis.errors import NivisError
from nivis.manifest.model import Project, ToolchainSettings
from nivis.manifest.project import decode_project, find_root, load_project


@pytest.mark.parametrize(
    "files",
    [
        {"pyproject.toml": "[tool.nivis]\n"},
        {"pyproject.toml": "[ tool . nivis.toolchain]\n"},
        {"pyproject.toml": "[project]\n", "experiments/x/experiment.toml": ""},
        {"flake.nix": "", "nivis.lock": ""},
    ],
)
def test_find_root(tmp_path: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    (tmp_path / "a" / "pyproject.toml").write_text("[project]\n")  # no project of ours
    assert find_root(inner) == tmp_path
    assert find_root(tmp_path) == tmp_path


def test_no_root() -> None:
    with pytest.raises(NivisError) as caught:
        find_root(Path("/dev"))  # nobody has a project above it
    assert str(caught.value) == "/dev: not inside a nivis project. Run 'nivis init' in the folder that is to be one."


def test_everything(tmp_path: Path) -> None:
    text = """
[project]
name = "birds"
[tool.nivis]
experiments = "exps"
source = ["lib", "src"]
generated = "out"
groups = ["plots"]
extras = ["gpu"]
urls = false
[tool.nivis.toolchain]
suite = "bookworm"
packages = ["jq"]
mirror = "https://mirror.example/debian"
"""
    (tmp_path / "pyproject.toml").write_text(text)
    (tmp_path / "uv.lock").write_text("")
    project = load_project(tmp_path)
    assert project == Project(
        root=tmp_path,
        name="birds",
        experiments=PurePosixPath("exps"),
        source=(PurePosixPath("lib"), PurePosixPath("src")),
        generated=PurePosixPath("out"),
        groups=("plots",),
        extras=("gpu",),
        urls=False,
        toolchain=ToolchainSettings(
            kind="debian", suite="bookworm", packages=("jq",), mirror="https://mirror.example/debian"
        ),
        pyproject=project.pyproject,
        lock_file="uv.lock",
    )
    assert project.pyproject["project"] == {"name": "birds"}


@pytest.mark.parametrize(
    ("text", "present", "chosen"),
    [
        ("", (), None),
        ("", ("pylock.toml",), "pylock.toml"),
        ("", ("uv.lock", "pylock.toml"), "uv.lock"),
        ("[tool.poetry]", ("poetry.lock", "uv.lock"), "poetry.lock"),
        ("[tool.uv]", ("poetry.lock", "uv.lock"), "uv.lock"),
        ('[build-system]\nbuild-backend = "poetry.core.masonry.api"', ("poetry.lock", "uv.lock"), "poetry.lock"),
    ],
)
def test_lock_file(text: str, present: tuple[str, ...], chosen: str | None) -> None:
    assert decode_project(text, Path("/p"), present).lock_file == chosen


def test_explicit_lock_file(tmp_path: Path) -> None:
    for name in ("uv.lock", "pylock.gpu.toml"):
        (tmp_path / name).write_text("")
    text = '[tool.nivis]\nlock = "pylock.gpu.toml"'
    assert decode_project(text, tmp_path, ("uv.lock",)).lock_file == "pylock.gpu.toml"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "",
            (
                "pyproject.toml: both poetry.lock and uv.lock are there, and nothing says which one counts. "
                'Remove one, or write lock = "uv.lock" under [tool.nivis].'
            ),
        ),
        (
            "[tool.nivis]\nlock = 'uv.lock'",
            (
                "pyproject.toml, line 2: tool.nivis.lock is 'uv.lock', which does not exist. "
                "Make it with the tool that the project uses, or remove the key."
            ),
        ),
        (
            "[tool.nivis]\nlock = 'Pipfile.lock'",
            (
                "pyproject.toml, line 2: tool.nivis.lock is 'Pipfile.lock', which is no lock file that nivis reads. "
                "Known: poetry.lock, uv.lock, pylock.toml."
            ),
        ),
        (
            "[tool.uv]\n[tool.nivis]\nsource = ['../x']",
            (
                "pyproject.toml, line 3: tool.nivis.source has '../x', which is not a folder inside the project. "
                "Write a path relative to pyproject.toml."
            ),
        ),
        (
            "[tool.uv]\n[tool.nivis.toolchain]\nsuite = 'trixy'",
            "pyproject.toml, line 3: tool.nivis.toolchain.suite is 'trixy', which is not known. Did you mean 'trixie'?",
        ),
        (
            "[tool.uv]\n[tool.nivis]\ngenerated = '.'",
            'pyproject.toml, line 3: tool.nivis.generated cannot be the whole project. Write generated = "generated".',
        ),
        (
            "[tool.uv]\n[tool.nivis]\nsources = []",
            "pyproject.toml, line 3: tool.nivis: unknown key 'sources'. Did you mean 'source'?",
        ),
    ],
)
def test_error(text: str, message: str) -> None:
    with pytest.raises(NivisError) as caught:
        decode_project(text, Path("/nowhere"), ("poetry.lock", "uv.lock"))
    assert str(caught.value) == message
