"""Places and syntax errors of TOML files."""

import pytest

from nivis.errors import ManifestError
from nivis.manifest.toml import locate, parse

TEXT = '''# a comment = 1
[experiment]
title = "a # b [x]"
goal = { metric = "x", at-least = 1 }

[steps.train]
run = """
python a.py \\
  ${steps.prepre}
"""
outputs = [
  "a", # ]
  "b",
]
env.A = "x"
"quoted key" = 3
[[list]]
z = 1
'''


@pytest.mark.parametrize(
    ("path", "needle", "line"),
    [
        ("experiment", "", 2),
        ("experiment.goal.metric", "", 4),
        ("steps.train.run", "", 7),
        ("steps.train.run", "${steps.prepre}", 9),
        ("steps.train.run", "not there", 7),
        ("steps.train.outputs", "", 11),
        ("steps.train.env.A", "", 15),
        ("steps.train.quoted key", "", 16),
        ("steps.train.nowhere", "", 6),
        ("list.z", "", 18),
        ("nowhere", "", None),
    ],
)
def test_locate(path: str, needle: str, line: int | None) -> None:
    assert locate(TEXT, path.split("."), needle) == line


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a = b\n", 'e.toml, line 1: not valid TOML: invalid value. Text stands in quotes: key = "value".'),
        ("\na\n", ("e.toml, line 2: not valid TOML: expected '=' after a key in a key/value pair. "
         'A line is key = "value", or a [table].')),
        ("a = [1\n", "e.toml, line 1: not valid TOML: unclosed array. A ']' or ',' is missing."),
        ("a = 1\na = 2\n", ("e.toml, line 2: not valid TOML: cannot overwrite a value. "
         "The key is there already; keep one of them.")),
        ("[a.b]\n[a.b]\n", "e.toml, line 2: not valid TOML: [a.b] is there twice. Keep one of the two tables."),
        ('a = "x\n', ("e.toml, line 1: not valid TOML: illegal character '\\n'. A quote is not closed on this line; "
         'text of several lines stands in """…""".')),
    ],
)  # fmt: skip
def test_syntax_error(text: str, message: str) -> None:
    with pytest.raises(ManifestError) as caught:
        parse(text, "e.toml")
    assert str(caught.value) == message
