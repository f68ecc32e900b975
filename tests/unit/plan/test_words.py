"""Splitting commands into words that may name files."""

import pytest

from nivis.plan.words import Script, Word, candidates, scripts, split


@pytest.mark.parametrize(
    ("script", "commands"),
    [
        ("a b;c|d && e", [["a", "b"], ["c"], ["d"], ["e"]]),
        ('a \'b c\' "d \\" e" f\\ g', [["a", "b c", 'd " e', "f g"]]),
        ("a \\\n  b # c d\ne", [["a", "b"], ["e"]]),
        ("x=$(cat y) <z >>w 2>&1", [["x=$"], ["cat", "y"], ["z", "w", "1"]]),
        ("case x in *) a;; b*) c;; esac", [["x"], ["a"], ["c"]]),
        ("for in in a b; do in c; done; 'do' in", [["a", "b"], ["in", "c"], ["do", "in"]]),
        ("if ! test -f a; then { b in; }; fi", [["test", "-f", "a"], ["b", "in"]]),
        ("cat <<E x\nit's y\nE\nz", [["cat", "E", "x"], ["z"]]),
    ],
)
def test_split(script: str, commands: list[list[str]]) -> None:
    assert [[word.text for word in command] for command in split(script)[0]] == commands


def test_documents() -> None:
    assert split("python - <<E\nimport x # y\nE\n")[1] == ["import x # y\nE\n"]


@pytest.mark.parametrize(
    ("word", "found"),
    [
        (Word("a.csv"), ["a.csv"]),
        (Word("--config=conf/x.yaml"), ["--config=conf/x.yaml", "conf/x.yaml"]),
        (Word("lib:b"), ["lib:b", "lib", "b"]),
        (Word("my file.csv", quoted=True), ["my file.csv", "my", "file.csv"]),
        (Word("open('a.csv')", quoted=True), ["open('a.csv')", "open", "a.csv"]),
    ],
)
def test_candidates(word: Word, found: list[str]) -> None:
    assert list(candidates(word.text, quoted=word.quoted)) == found


@pytest.mark.parametrize(
    ("command", "script"),
    [
        ("python train.py x.py", Script(language="python", file="train.py")),
        ("time python3.11 -u -W ignore train.py", Script(language="python", file="train.py")),
        ("env A=b /usr/bin/python3 train.py", Script(language="python", file="train.py")),
        ("python -m pkg.mod x", Script(language="python", module="pkg.mod")),
        ("python -c 'import x'", Script(language="python", text="import x")),
        ("python - x.py", None),
        ("Rscript --vanilla fit.R", Script(language="Rscript", file="fit.R")),
        ("Rscript -e 'x'", None),
        ("bash -eu -o pipefail x.sh", Script(language="bash", file="x.sh")),
        ("sh -c 'python a.py'", Script(language="bash", text="python a.py")),
        ("echo 'python a.py'", None),
    ],
)
def test_scripts(command: str, script: Script | None) -> None:
    assert list(scripts(split(command)[0][0])) == ([script] if script else [])
