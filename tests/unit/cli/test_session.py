"""What every command gets."""

from pathlib import Path

from nivis.cli.session import Session


def test_paths_are_shown_as_one_would_type_them() -> None:
    session = Session(directory=Path("/project/experiments/birds"))
    assert session.shown(Path("/project/generated/birds")) == "../../generated/birds"
    assert Session(directory=Path("/project")).shown(Path("/project/generated/birds")) == "generated/birds"
