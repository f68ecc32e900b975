"""The displays: plain lines for logs, a live one for terminals."""

import io
from collections.abc import Callable

import pytest

from nivis.cli.display import SilentDisplay, open_display
from nivis.cli.live import LiveDisplay
from nivis.cli.plain import PlainDisplay
from nivis.progress import BuildSnapshot


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_the_display_suits_the_stream(clock: Callable[[], float]) -> None:
    def kind(stream: io.StringIO, environ: dict[str, str], quiet: bool = False) -> type:
        return type(open_display(stream, environ=environ, quiet=quiet, clock=clock))

    assert kind(io.StringIO(), {"TERM": "xterm"}) is PlainDisplay
    assert kind(Terminal(), {"TERM": "dumb"}) is PlainDisplay
    assert kind(Terminal(), {"TERM": "xterm"}) is LiveDisplay
    assert kind(Terminal(), {"TERM": "xterm"}, quiet=True) is SilentDisplay


def test_plain_downloads_are_two_lines_however_many(clock: Clock) -> None:
    stream = io.StringIO()
    with PlainDisplay(stream, clock=clock) as display:
        for number in range(50):
            display.begin(f"file-{number}", "download", 1000)
            clock.now += 0.1
            display.advance(f"file-{number}", 1000)
            display.end(f"file-{number}")
        display.begin("tree", "unpack")
        clock.now += 2
        display.end("tree")
    assert stream.getvalue().splitlines() == [
        "downloading file-0",
        "downloaded 50 files, 50.0 kB in 5.0 s",
        "unpacking tree",
        "unpacked tree in 2.0 s",
    ]


def test_plain_lines_say_now_and_then_that_it_goes_on(clock: Clock) -> None:
    stream = io.StringIO()
    with PlainDisplay(stream, clock=clock) as display:
        display.begin("big", "download", 100_000_000)
        for _ in range(40):
            clock.now += 1
            display.advance("big", 1_000_000)
    assert stream.getvalue().splitlines() == [
        "downloading big",
        "downloading 15.0 MB of 100.0 MB, 1.0 MB/s: big",
        "downloading 30.0 MB of 100.0 MB, 1.0 MB/s: big",
    ]


def test_plain_builds_tell_what_was_built_and_what_failed(clock: Clock) -> None:
    stream = io.StringIO()
    with PlainDisplay(stream, clock=clock) as display:
        display.building(BuildSnapshot(total=4, done=0, running=[("clean", 0.1), ("fit", 0.1)]))
        clock.now += 3
        ended = [("clean", 0.1)]
        display.building(BuildSnapshot(total=4, done=1, running=[("fit", 3.1), ("train", 0.0)], ended=ended))
        clock.now += 0.2
        ended += [("fit", 3.1)]
        display.building(BuildSnapshot(total=4, done=2, running=[("train", 0.2)], ended=ended))
        clock.now += 20
        display.building(BuildSnapshot(total=4, done=2, running=[("train", 20.2), ("draw", 1.0)], ended=ended))
        display.note("half of it is done")
        ended += [("draw", 1.0)]
        display.building(BuildSnapshot(total=4, done=3, running=[], failed=["train"], ended=ended))
    assert stream.getvalue().splitlines() == [
        "building 0/4",
        "built 1/4: clean (0.1 s)",
        "built 2/4: fit (3.1 s)",
        "half of it is done",
        "failed: train",
        "built 3/4: draw (1.0 s)",
        "built 3 parts in 23 s",
    ]


def test_a_closed_stream_does_not_stop_the_work(clock: Clock) -> None:
    stream = io.StringIO()
    display = PlainDisplay(stream, clock=clock)
    stream.close()
    display.note("nobody reads this")


def test_the_live_display_draws_what_goes_on(clock: Clock) -> None:
    display = LiveDisplay(Terminal(), clock=clock, width=80)
    display.begin("a.deb", "download", 2_000_000)
    display.advance("a.deb", 500_000)
    display.building(BuildSnapshot(total=12, done=3, running=[("train", 12.0)]))
    clock.now += 14
    assert [line.plain for line in display._lines(80, clock())] == [
        "⠋ downloading ━━━━━╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌ 500.0 kB of 2.0 MB: a.deb",
        "⠋ building    ━━━━━╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌ 3/12: train (26 s)",
        "  0:14 elapsed",
    ]


def test_the_live_display_leaves_notes_and_a_summary(clock: Clock) -> None:
    stream = Terminal()
    with LiveDisplay(stream, clock=clock, width=80) as display:
        display.begin("a.deb", "download", 2_000_000)
        display.advance("a.deb", 2_000_000)
        display.note("a [note] that stays")
        clock.now += 4
        display.end("a.deb")
    assert "a [note] that stays\n" in stream.getvalue()
    assert "downloaded a.deb, 2.0 MB in 4.0 s" in stream.getvalue()


def test_silence(clock: Clock) -> None:
    with SilentDisplay() as display:
        display.begin("a", "download", 1)
        display.building(BuildSnapshot(total=1, done=0))
        display.note("nothing")
