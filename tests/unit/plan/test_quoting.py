"""Values written into scripts: real bash must read back exactly what was meant."""

import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nivis.plan.quoting import plain, quoted
from nivis.plan.references import Scope
from nivis.plan.render import render_script
from nivis.plan.shell import Quote

# Every place that takes any text, as a script that prints the value and then a NUL.
PLACES = {
    "bare": "printf '%s\\0' {}",
    "double": 'printf "%s\\0" "{}"',
    "single": "printf '%s\\0' '{}'",
    "ansi": "printf '%s\\0' $'{}'",
    "locale": "printf '%s\\0' $\"{}\"",
    "substitution": 'printf "%s\\0" "$(printf %s {}; printf .)"',
    "inner double": 'printf \'%s\\0\' "$(printf %s "{}"; printf .)"',
    "after a comment": "# it's a \"comment\n  printf '%s\\0' {}",
    "after a document": "cat >/dev/null <<E\nit's ${{HOME:-\"}}\nE\nprintf '%s\\0' {}",
    "in a document": "IFS= read -rd '' x <<E || :\n{}\nE\nprintf '%s\\0' \"${{x%?}}\"",
    "in a literal document": "IFS= read -rd '' x <<'E' || :\n{}\nE\nprintf '%s\\0' \"${{x%?}}\"",
    "in a case": "printf '%s\\0' \"$(case a in a) printf %s {};; esac; printf .)\"",
    "in an array": "x=({}) # don't\nprintf '%s\\0' \"${{x[0]}}\"",
}
DOTTED = {"substitution", "inner double", "in a case"}  # $(…) drops newlines at the end

# Not "E" alone on a line, which ends the here-documents; NUL cannot be given to a program.
texts = st.text(
    st.one_of(
        st.sampled_from(list("'\"\\$`!#{}()[]*?~&|;<>= \n\tab-%")), st.characters(exclude_categories=["Cs", "Cc"])
    ),
    max_size=12,
).filter(lambda text: "E" not in text)


def scope(value: object) -> Scope:
    return Scope(step="s", steps=["s"], data=[], params={"x": value})  # type: ignore[dict-item]


def run(script: str) -> bytes:
    return subprocess.run(
        ["bash", "-c", script], capture_output=True, check=True, env={"LC_ALL": "C.UTF-8", "HOME": "/"}
    ).stdout


@settings(max_examples=60, deadline=None)
@given(st.lists(texts, min_size=len(PLACES), max_size=len(PLACES)))
def test_bash_reads_what_was_meant(values: list[str]) -> None:
    parts = []
    for value, template in zip(values, PLACES.values(), strict=True):
        rendered = render_script(template.format("${params.x}"), scope(value))
        assert rendered.problems == []
        parts += [str(fragment) for fragment in rendered.script]
        parts.append("\n")
    expected = [value + ("." if name in DOTTED else "") for name, value in zip(PLACES, values, strict=True)]
    assert run("".join(parts)).decode().split("\0")[:-1] == expected


@settings(max_examples=30, deadline=None)
@given(st.lists(texts, max_size=5))
def test_lists_are_words(values: list[str]) -> None:
    rendered = render_script("printf '<%s>\\0' ${params.x}", scope(values))
    expected = [f"<{value}>" for value in values] or ["<>"]
    assert run(str(rendered.script[0])).decode().split("\0")[:-1] == expected


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "true"),
        (False, "false"),
        (3, "3"),
        (0.1, "0.1"),
        (1e-7, "1e-07"),
        (1e22, "1e+22"),
        (1.0, "1.0"),
        ("é", "é"),
    ],
)
def test_plain(value: str | int | float | bool, text: str) -> None:
    assert plain(value) == text


@pytest.mark.parametrize(
    ("text", "quote", "written"),
    [
        ("a/b-1.csv", Quote.NONE, "a/b-1.csv"),
        ("a=b", Quote.NONE, "'a=b'"),
        ("~", Quote.NONE, "'~'"),
        ("", Quote.NONE, "''"),
        ("it's", Quote.NONE, "'it'\\''s'"),
        ("it's", Quote.SINGLE, "it'\\''s"),
        ('"$x`\\', Quote.DOUBLE, '\\"\\$x\\`\\\\'),
        ("$x", Quote.COMMENT, "$x"),
        ("a b", Quote.BACKQUOTE, None),
        ("a/b", Quote.BACKQUOTE, "a/b"),
        ("a/b", Quote.EXPANSION, None),
        ("-1", Quote.ARITHMETIC, "-1"),
    ],
)
def test_quoted(text: str, quote: Quote, written: str | None) -> None:
    assert quoted([text], quote) == written
