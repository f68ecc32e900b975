"""What a step used, from the last line of its log."""

import pytest

from nivis.engine.usage import Usage, find_usage

LINE = '@nivis {"seconds":1.25,"user":1.0,"system":0.1,"memory":2048}'


@pytest.mark.parametrize(
    ("lines", "usage"),
    [
        ([], None),
        (["hello"], None),
        (["hello", LINE], Usage(seconds=1.25, memory=2048)),
        ([LINE, '@nivis {"seconds":2,"user":0,"system":0,"memory":7}'], Usage(seconds=2.0, memory=7)),
        (
            [LINE, "@nivis {", "@nivis [1]", "@nivis {}", '@nivis {"seconds":"x","memory":1}'],
            Usage(seconds=1.25, memory=2048),
        ),
        ([" " + LINE], None),
    ],
)
def test_find(lines: list[str], usage: Usage | None) -> None:
    assert find_usage(lines) == usage
