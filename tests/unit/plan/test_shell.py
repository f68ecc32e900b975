"""Following the quoting of bash. ``@`` stands for a placeholder in these scripts."""

import pytest

from nivis.plan.shell import scan


@pytest.mark.parametrize(
    ("script", "quotes"),
    [
        ("a @ b", "NONE"),
        ('"@" @', "DOUBLE NONE"),
        ("'@' $'\\'@' @", "SINGLE ANSI NONE"),
        ('"a\\"@" @', "DOUBLE NONE"),
        ('"$(x @ "@" \')\' @)@"', "NONE DOUBLE NONE DOUBLE"),
        ('$"@" "$\'@"', "DOUBLE DOUBLE"),
        ("a # don't @\n@", "COMMENT NONE"),
        ("a#'@' ${#x} $# '@' x=$((16#f)) '@'", "SINGLE SINGLE SINGLE"),
        ("a \\\n# it's @\n@", "COMMENT NONE"),
        ("`a @ '@'` @", "BACKQUOTE BACKQUOTE NONE"),
        ('${x:-@} ${x:-"@"} "${x:-it\'s}@"', "EXPANSION EXPANSION DOUBLE"),
        ("$((@+1)); ((x<<@)); @", "ARITHMETIC ARITHMETIC NONE"),
        ("cat <<E\nit's @ $(x @)\nE\n@", "DOCUMENT NONE NONE"),
        ("cat <<'E' @\nit's @ $(x @\nE\n'@'", "NONE LITERAL_DOCUMENT LITERAL_DOCUMENT SINGLE"),
        ("cat <<-A; cat <<\\B\n@\n\tA\n@\nB\n@", "DOCUMENT LITERAL_DOCUMENT NONE"),
        ('cat <<< "@"\n@', "DOUBLE NONE"),
        ('"$(case x in a) @;; (b) "@";; esac)@"', "NONE DOUBLE DOUBLE"),
        ('"$(echo case)@"', "DOUBLE"),
        ("f() { (@); }; [[ a < @ ]]", "NONE NONE"),
        (") '@'", "SINGLE"),
        ("'@", "SINGLE"),
    ],
)
def test_quotes(script: str, quotes: str) -> None:
    assert [quote.name for quote in scan(script.replace("@", "\0")).quotes] == quotes.split()


def test_spans() -> None:
    script = "a # b\ncat <<E # c\nbody # d\nE\ne\n"
    found = scan(script)
    assert [script[start:end] for start, end in found.comments] == ["# b", "# c"]
    assert [script[start:end] for start, end in found.documents] == ["body # d\nE\n"]
