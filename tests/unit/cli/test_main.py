"""The frame of the command line: options, help, errors and exit statuses."""

import io
import json
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import click
import pytest

from nivis.cli import main as main_module
from nivis.cli.command import Command
from nivis.cli.commands import COMMANDS
from nivis.cli.main import nivis, run
from nivis.cli.session import Session
from nivis.errors import HostError, LockError, ManifestError, Problems, StepError

OWN_SOURCE = Path(__file__).parents[3] / "python"


@dataclass
class Answer:
    """What a run of the command line came to."""

    status: int
    stdout: str
    stderr: str


def call(*arguments: str, directory: Path = Path("/")) -> Answer:
    session = Session(directory=directory, stdout=io.StringIO(), stderr=io.StringIO(), environ={})
    status = run(arguments, session)
    assert isinstance(session.stdout, io.StringIO)
    assert isinstance(session.stderr, io.StringIO)
    return Answer(status, session.stdout.getvalue(), session.stderr.getvalue())


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> Callable[[BaseException], None]:
    """Replace every subcommand by one that raises."""

    def install(error: BaseException) -> None:
        @click.command("status", cls=Command)
        def command() -> None:
            raise error

        monkeypatch.setattr(type(nivis), "get_command", lambda *_: command)

    return install


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["buidl"], "there is no command 'buidl'. Did you mean 'build'?"),
        (["build", "--josn"], "build: there is no option '--josn'. Did you mean '--json'?"),
        (["--josn"], "there is no option '--josn'. Did you mean '--json'?"),
        (["log"], "log: missing argument 'EXPERIMENT.STEP'. Run 'nivis log --help' to see what it takes."),
        (
            ["build", "-j", "0"],
            (
                "build: invalid value for '-j' / '--jobs': 0 is not in the range x>=1. "
                "Run 'nivis build --help' to see what it takes."
            ),
        ),
        (["-C", "/not there", "status"], "-C: there is no folder '/not there'. Give the folder of the project."),
        (["status", "-C", "/not there"], "-C: there is no folder '/not there'. Give the folder of the project."),
    ],
)
def test_wrong_usage(arguments: list[str], message: str) -> None:
    assert call(*arguments) == Answer(2, "", f"nivis: {message}\n")


@pytest.mark.parametrize(
    ("error", "status", "message"),
    [
        (StepError("failed", where="a.train", hint="See 'nivis log'."), 1, "a.train: failed. See 'nivis log'."),
        (ManifestError("is odd", where="experiment.toml"), 2, "experiment.toml: is odd."),
        (HostError("nix is not installed"), 3, "nix is not installed."),
        (
            OSError(28, "No space left on device", "/nix/x"),
            3,
            "/nix/x: the disk is full. Free some space, then run the same command again.",
        ),
        (
            PermissionError(13, "Permission denied", "/etc/x"),
            3,
            "/etc/x: may not be read or written here. Check who owns it and what it is mounted from.",
        ),
        (
            KeyError("x"),
            3,
            "this is a bug in nivis (KeyError: 'x'). Run the command again with --debug and report what it prints.",
        ),
    ],
)  # fmt: skip
def test_errors_are_one_sentence(
    failing: Callable[[BaseException], None], error: Exception, status: int, message: str
) -> None:
    failing(error)
    assert call("status") == Answer(status, "", f"nivis: {message}\n")


def test_a_traceback_is_for_debugging(failing: Callable[[BaseException], None]) -> None:
    failing(KeyError("x"))
    answer = call("status", "--debug")
    assert answer.stderr.startswith("Traceback (most recent call last):\n")
    assert answer.stderr.endswith(
        "nivis: this is a bug in nivis (KeyError: 'x'). "
        "Please report it with the traceback above and the command that you ran.\n"
    )


def test_an_interrupt_is_one_line(failing: Callable[[BaseException], None]) -> None:
    failing(KeyboardInterrupt())
    assert call("status") == Answer(130, "", "\ninterrupted; run the same command again to go on\n")


def test_a_closed_pipe_is_silent(failing: Callable[[BaseException], None], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(main_module, "_silence_stdout", lambda: None)
    failing(BrokenPipeError())
    assert call("status") == Answer(141, "", "")


def test_several_problems_are_told_together(failing: Callable[[BaseException], None]) -> None:
    failing(Problems([ManifestError("is odd", where="a"), LockError("is old", where="b", hint="Lock.")]))
    answer = call("status", "--json")
    assert (answer.status, answer.stderr) == (2, "nivis: a: is odd.\nnivis: b: is old. Lock.\n")
    assert json.loads(answer.stdout) == {
        "error": {"where": "a", "what": "is odd", "hint": ""},
        "problems": [
            {"where": "a", "what": "is odd", "hint": ""},
            {"where": "b", "what": "is old", "hint": "Lock."},
        ],
    }


def test_wrong_usage_is_json_as_well() -> None:
    answer = call("build", "--josn", "--json")
    assert json.loads(answer.stdout) == {
        "error": {"where": "build", "what": "there is no option '--josn'", "hint": "Did you mean '--json'?"}
    }


def test_global_options_stand_anywhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    seen = []

    @click.command("status", cls=Command)
    @click.pass_obj
    def command(session: Session) -> None:
        seen.append((session.directory, session.json, session.offline, session.debug, session.verbosity))

    monkeypatch.setattr(type(nivis), "get_command", lambda *_: command)
    (tmp_path / "a/b").mkdir(parents=True)
    call("-C", "a", "--json", "-v", "status", "-C", "b", "--offline", "--debug", "-vv", "-q", directory=tmp_path)
    call("status", directory=tmp_path)
    assert seen == [(tmp_path / "a/b", True, True, True, 2), (tmp_path, False, False, False, 0)]


def test_the_help_shows_an_example_of_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--help"], Session()) == 0
    text = capsys.readouterr().out
    for entry in COMMANDS:
        assert re.search(f"^  {re.escape(entry.example)} +{re.escape(entry.summary)}$", text, re.MULTILINE), entry.name
    assert max(map(len, text.splitlines())) <= 80
    assert len(text.splitlines()) <= 40


@pytest.mark.parametrize("name", [entry.name for entry in COMMANDS])
def test_every_command_shows_examples_of_itself(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([name, "--help"], Session()) == 0
    text = capsys.readouterr().out
    assert f"Usage: nivis {name}" in text
    examples = text.partition("\nExamples:\n")[2]
    assert re.search(rf"^  .*\bnivis {name}\b", examples, re.MULTILINE)
    assert "Everywhere: -C DIR, --json" in examples


def test_every_module_of_a_command_is_in_the_table() -> None:
    folder = OWN_SOURCE / "nivis/cli"
    commands = {path.stem for path in folder.glob("*.py") if "@click.command(" in path.read_text(encoding="utf-8")}
    assert commands == {entry.name for entry in COMMANDS}


def test_the_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--version"], Session()) == 0
    assert capsys.readouterr().out == "nivis 0.1.0\n"


def test_starting_up_imports_nothing_heavy() -> None:
    program = "import sys; from nivis.cli.main import run, Session; run(['--version'], Session()); print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", program], env={"PYTHONPATH": str(OWN_SOURCE)}, capture_output=True, text=True, check=True
    ).stdout.split()
    heavy = {"rich", "jinja2", "tomlkit", "packaging", "urllib3", "debian", "traceback", "nivis.cli.build"}
    assert heavy.isdisjoint(loaded)
