"""The expressions that Nix is given, and what its errors become."""

from __future__ import annotations

import pytest

from nivis.engine.evaluate import _explained, expression
from nivis.errors import HostError, LockError, NivisError


@pytest.mark.parametrize(("names", "listed"), [((), "[  ]"), (("b", "a"), '[ "a" "b" ]'), (('x"y',), '[ "x\\"y" ]')])
def test_the_inventory_of_experiments(names: tuple[str, ...], listed: str) -> None:
    wanted = f"(import (./nix/nivis)).inventory {{ root = ./.; experiments = {listed}; }}"
    assert expression("./nix/nivis", names) == wanted


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        (
            "nix failed while evaluating the project: a.toml changed after nivis.lock was written: run 'nivis lock'",
            "nix failed while evaluating the project: a.toml changed after nivis.lock was written. Run `nivis lock`.",
        ),
        (
            "nivis.lock is missing (or git does not track it): run 'nivis lock'",
            "nivis.lock is missing (or git does not track it). Run `nivis lock`.",
        ),
        ("a: run 'nivis lock --update toolchain' now", "a. Run `nivis lock --update toolchain`."),
    ],
)
def test_the_librarys_own_messages_are_errors_of_the_lock(said: str, shown: str) -> None:
    error = _explained(HostError(said))
    assert isinstance(error, LockError)
    assert str(error) == shown


def test_other_errors_stay_as_they_are() -> None:
    error: NivisError = HostError("nix failed while evaluating the project: odd")
    assert _explained(error) is error
