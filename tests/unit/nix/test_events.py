"""Events of Nix, against logs recorded from three versions (fixtures/README.md)."""

from __future__ import annotations

from pathlib import Path

import pytest

from nivis.nix.events import (
    Expected,
    Kind,
    LogLine,
    Message,
    Phase,
    Progress,
    Started,
    Stopped,
    Text,
    parse,
)

EVENTS = Path(__file__).with_name("fixtures") / "events"


@pytest.mark.parametrize(
    ("line", "event"),
    [
        (
            '@nix {"action":"start","fields":["/s/a-x.drv","",1,1],"id":4,"level":3,"text":"building x","type":105}',
            Started(id=4, kind=Kind.BUILD, text="building x", fields=("/s/a-x.drv", "", 1, 1)),
        ),
        (
            '@nix {"action":"start","id":5,"level":6,"parent":0,"text":"?","type":113}',
            Started(id=5, kind=Kind.OTHER, text="?"),
        ),
        ('@nix {"action":"stop","id":4}\n', Stopped(id=4)),
        (
            '@nix {"action":"result","fields":["a \\u001b[31mred"],"id":4,"type":101}',
            LogLine(id=4, text="a red"),
        ),
        ('@nix {"action":"result","fields":["buildPhase"],"id":4,"type":104}', Phase(id=4, name="buildPhase")),
        (
            '@nix {"action":"result","fields":[1,5,2,0],"id":1,"type":105}',
            Progress(id=1, done=1, expected=5, running=2, failed=0),
        ),
        (
            '@nix {"action":"result","fields":[101,7],"id":1,"type":106}',
            Expected(id=1, kind=Kind.FILE_TRANSFER, amount=7),
        ),
        (
            '@nix {"action":"msg","level":1,"msg":"\\u001b[35;1mwarning:\\u001b[0m x"}',
            Message(level=1, text="warning: x"),
        ),
        ('@nix {"action":"msg","level":0,"msg":"error: x","raw_msg":"x"}', Message(level=0, text="error: x", raw="x")),
        ("plain text", Text(text="plain text")),
        ('@nix {"action":"st', Text(text='@nix {"action":"st')),
        ('@nix {"action":"stop"}', Text(text='@nix {"action":"stop"}')),
        ("@nix [1]", Text(text="@nix [1]")),
        ('@nix {"action":"result","fields":["x"],"id":1,"type":999}', None),
        ('@nix {"action":"dance","id":1}', None),
    ],
)
def test_a_line_becomes_an_event(line: str, event: object) -> None:
    assert parse(line) == event


@pytest.mark.parametrize("log", sorted(EVENTS.glob("*/*.log")), ids=lambda log: f"{log.parent.name}-{log.stem}")
def test_every_recorded_line_is_understood(log: Path) -> None:
    assert [line for line in log.read_text().splitlines() if isinstance(parse(line), Text)] == []


def test_errors_are_level_zero() -> None:
    assert Message(level=0, text="x").is_error
    assert not Message(level=1, text="x").is_error
