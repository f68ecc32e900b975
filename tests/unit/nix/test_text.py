"""Text for terminals as it reads without one."""

import pytest

from nivis.nix.text import plain, plain_line


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("as it is", "as it is"),
        ("\x1b[1;35mValueError\x1b[0m: loss", "ValueError: loss"),
        ("\x1b[2K\x1b[1Gdone\x1b[?25h", "done"),
        ("\x1b]8;;file:///x\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x1b]0;title\x07text", "text"),
    ],
)
def test_escape_sequences_go(text: str, expected: str) -> None:
    assert plain(text) == expected


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("plain", "plain"),
        ("with carriage return\r", "with carriage return"),
        ("10 %\r50 %\r\x1b[32m100 %\x1b[0m", "100 %"),
    ],
)
def test_of_a_progress_bar_the_end_is_left(line: str, expected: str) -> None:
    assert plain_line(line) == expected
