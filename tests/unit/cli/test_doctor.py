"""``nivis doctor``."""

import io
import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from nivis.cli import doctor
from nivis.cli.checks import Check
from nivis.cli.doctor import line, verdict
from nivis.cli.main import run
from nivis.cli.session import Session

FINE = Check(name="git", status="ok", says="/usr/bin/git")
ODD = Check(name="flakes", status="warn", says="off", fix="nivis doctor --fix")
GONE = Check(name="nix", status="fail", says="nix is not installed", fix="apt-get install nix-bin")


def examine(
    monkeypatch: pytest.MonkeyPatch, checks: Sequence[Check], *arguments: str, home: Path = Path("/nonexistent")
) -> tuple[int, str, str]:
    monkeypatch.setattr(doctor, "run_checks", lambda _: iter(checks))
    stdout, stderr = io.StringIO(), io.StringIO()
    session = Session(stdout=stdout, stderr=stderr, environ={"HOME": str(home), "NIX_CONF_DIR": str(home / "etc")})
    return run(["doctor", *arguments], session), stdout.getvalue(), stderr.getvalue()


def test_each_check_is_a_line_with_what_mends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    assert examine(monkeypatch, [FINE, ODD, GONE]) == (
        3,
        "",
        (
            "ok    git            /usr/bin/git\n"
            "warn  flakes         off\n"
            "                     → nivis doctor --fix\n"
            "fail  nix            nix is not installed\n"
            "                     → apt-get install nix-bin\n"
            "1 necessary thing missing\n"
        ),
    )


def test_warnings_are_no_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    status, _, told = examine(monkeypatch, [FINE, ODD])
    assert (status, told.splitlines()[-1]) == (0, "ready, 1 thing could be better")


def test_the_answer_for_programs(monkeypatch: pytest.MonkeyPatch) -> None:
    status, answer, told = examine(monkeypatch, [ODD], "--json", "-q")
    assert (status, told, json.loads(answer)) == (
        0,
        "",
        {
            "checks": [{"name": "flakes", "status": "warn", "says": "off", "fix": "nivis doctor --fix"}],
            "fixed": None,
        },
    )


def test_fixing_adds_to_the_users_own_nix_conf_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    conf = tmp_path / ".config/nix/nix.conf"
    conf.parent.mkdir(parents=True)
    conf.write_text("cores = 2\nbuild-users-group =\nsandbox = false")
    examine(monkeypatch, [FINE], "--fix", home=tmp_path)
    assert conf.read_text() == (
        "cores = 2\nbuild-users-group =\nsandbox = false\n"
        "# nivis doctor --fix\nextra-experimental-features = nix-command flakes\nsandbox = true\n"
    )
    _, _, told = examine(monkeypatch, [FINE], "--fix", home=tmp_path)
    assert told.splitlines()[0] == f"{conf} needs nothing"
    assert not (tmp_path / "etc").exists()


def test_colour_is_for_terminals() -> None:
    assert line(GONE, colour=True).startswith("\x1b[31mfail\x1b[0m  nix ")


def test_all_well() -> None:
    assert verdict([FINE]) == "ready"
