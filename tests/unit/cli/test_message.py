"""Errors as people read them on a terminal."""

from nivis.cli.message import error_text
from nivis.errors import LockError, ManifestError, Problems, StepError

RED = "\x1b[31m\x1b[1mnivis: \x1b[0m"


def test_elsewhere_than_on_a_terminal_nothing_is_wrapped_or_coloured() -> None:
    error = ManifestError("word " * 40 + "end", where="experiment.toml")
    assert error_text(error, width=None) == f"nivis: experiment.toml: {'word ' * 40}end."


def test_wrapped_at_words() -> None:
    error = ManifestError(
        "no step named 'prepre'", where="experiment.toml: steps.train.run", hint="Did you mean 'prepare'?"
    )
    assert error_text(error, width=50) == (
        f"{RED}experiment.toml: steps.train.run: no step\n  named 'prepre'. Did you mean 'prepare'?"
    )


def test_a_long_path_is_not_broken() -> None:
    path = "/" + "long-name/" * 8
    assert error_text(LockError("is old", where=path), width=50) == f"{RED}{path}:\n  is old."


def test_quoted_lines_stay_as_they_are() -> None:
    lines = ["Traceback:  two  spaces", "x" * 60]
    error = StepError("failed; its last lines", where="penguins.train", hint="More is in the log of it.", lines=lines)
    assert error_text(error, width=30) == (
        f"{RED}penguins.train: failed; its last\n  lines:\n    Traceback:  two  spaces\n    {'x' * 60}\n"
        "  More is in the log of it."
    )
    assert str(error) == (
        f"penguins.train: failed; its last lines:\n    Traceback:  two  spaces\n    {'x' * 60}\n"
        "  More is in the log of it."
    )


def test_each_of_several() -> None:
    both = Problems([LockError("is old", where="a"), LockError("is gone", where="b")])
    assert error_text(both, width=80) == f"{RED}a: is old.\n{RED}b: is gone."
