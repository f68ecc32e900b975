"""results.lock: what it holds, what it drops, and how git merges it."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path, PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nivis.engine.records import NAME, Record, Records, loads, name_in, plan_of, read_records, step_in, write_records
from nivis.errors import LockError
from nivis.flake.generate import attribute_lines
from nivis.manifest.model import Project

FILE = PurePosixPath("experiments/x/results.lock")


def key(text: str) -> str:
    return (text * 32)[:32]


def record(step: str, digest: str = "sha256-x") -> Record:
    return Record(step=step, hash=digest, size=5)


def test_the_text() -> None:
    records = Records(
        by_recipe={
            key("b"): record("train@c=1"),
            key("a"): record("train@c=1"),
            key("c"): Record(step="dump", size=7),
            key("d"): Record(step="each (items)", items=[{"label": "ü", "texts": {}, "values": "1"}]),
        },
        frozen={"x-smoke: fit": record("x-smoke: fit")},
    )
    assert records.dumps() == (
        '{\n"version": 1,\n'
        f'"{key("c")}": {{"step": "dump", "direct": true, "size": 7}},\n'
        f'"{key("d")}": {{"step": "each (items)", "items": [{{"label": "ü", "texts": {{}}, "values": "1"}}]}},\n'
        f'"{key("a")}": {{"step": "train@c=1", "hash": "sha256-x", "size": 5}},\n'
        f'"{key("b")}": {{"step": "train@c=1", "hash": "sha256-x", "size": 5}},\n'
        '"frozen x-smoke: fit": {"step": "x-smoke: fit", "hash": "sha256-x", "size": 5},\n'
        '"~": null\n}\n'
    )
    assert loads(records.dumps(), "f") == records


TEXTS = st.text(st.characters(codec="utf-8"), min_size=1, max_size=12)
RECORDS = st.builds(
    Record,
    step=TEXTS,
    hash=st.none() | TEXTS,
    size=st.integers(0, 1 << 60),
) | st.builds(Record, step=TEXTS, items=st.lists(st.dictionaries(TEXTS, TEXTS, max_size=3), max_size=3))


@given(
    st.dictionaries(st.from_regex(r"[0-9a-z]{32}", fullmatch=True), RECORDS, max_size=8),
    st.dictionaries(TEXTS, RECORDS.filter(lambda one: one.items is None), max_size=3),
)
def test_round_trip(by_recipe: dict[str, Record], frozen: dict[str, Record]) -> None:
    records = Records(by_recipe=by_recipe, frozen=frozen)
    text = records.dumps()
    assert loads(text, "f") == records
    shuffled = Records(by_recipe=dict(reversed(by_recipe.items())), frozen=dict(reversed(frozen.items())))
    assert shuffled.dumps() == text
    assert len(text.splitlines()) == 4 + len(by_recipe) + len(frozen) or any(
        separator in text for separator in "\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029"
    )


def test_files(tmp_path: Path) -> None:
    assert read_records(tmp_path, FILE) == Records()
    records = Records(by_recipe={key("a"): record("train")})
    assert write_records(tmp_path, FILE, records)
    assert not write_records(tmp_path, FILE, records)
    assert read_records(tmp_path, FILE) == records
    assert [path.name for path in (tmp_path / FILE).parent.iterdir()] == [NAME]


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "3", "null", "{}", '{"version": 1, "a": 3}', '{"version": 1, "a": {"hash": "x"}}', "<<<<<<< a\n{}"],
)
def test_what_cannot_be_read(text: str) -> None:
    with pytest.raises(LockError) as caught:
        loads(text, "experiments/x/results.lock")
    assert str(caught.value) == (
        "experiments/x/results.lock: cannot be read. "
        "Restore it (`git checkout`), or remove it: what it says is found anew by running the steps."
    )


def test_another_version() -> None:
    with pytest.raises(LockError) as caught:
        loads('{"version": 2, "~": null}', "f")
    assert str(caught.value) == (
        "f: was written by another version of nivis. "
        "Update nivis, or remove the file: what it says is found anew by running the steps."
    )


@pytest.mark.parametrize(
    ("name", "plan", "step"),
    [("train", "", "train"), ("train@c=1", "", "train@c=1"), ("x-smoke: train@c=1", "x-smoke", "train@c=1")],
)
def test_names(name: str, plan: str, step: str) -> None:
    assert (plan_of(name), step_in(name), name_in(plan, step)) == (plan, step, name)


def test_what_is_kept() -> None:
    """The present recipe of every step; its last one until then; other plans' whatever they are."""
    records = Records(
        by_recipe={
            key("1"): record("done"),
            key("2"): record("done"),  # an old one
            key("3"): record("changed"),  # its recipe is another now, and has not run
            key("4"): record("gone"),
            key("5"): record("x-smoke: done"),
        }
    )
    records.keep({"done": key("1"), "changed": key("9")}, {""})
    assert sorted(records.by_recipe) == [key("1"), key("3"), key("5")]


def test_nothing_is_dropped_of_a_plan_that_is_not_wholly_known() -> None:
    records = Records(by_recipe={key("1"): record("each@a"), key("2"): record("split")})
    records.keep({"split": key("2")}, set())
    assert sorted(records.by_recipe) == [key("1"), key("2")]
    records.keep({"split": key("2")}, {""})
    assert sorted(records.by_recipe) == [key("2")]


# ------------------------------------------------------------------------------------------------ git


class Repository:
    """A repository with one results.lock."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.git("init", "-qb", "main")
        lines = "\n".join(attribute_lines(Project(root=root, name="p")))
        (root / ".gitattributes").write_text(f"{lines}\n")
        self.commit()

    def git(self, *words: str, code: int = 0) -> str:
        author = [part for name in ("user.name", "user.email") for part in ("-c", f"{name}=test@example.org")]
        done = subprocess.run(["git", *author, *words], cwd=self.root, capture_output=True, text=True, check=False)
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout

    def commit(self) -> None:
        self.git("add", "-A")
        self.git("commit", "-qm", "x", "--allow-empty")

    def branch(self, name: str, records: Records) -> None:
        """Commit records on a branch of main."""
        self.git("checkout", "-q", "main")
        self.git("checkout", "-qb", name)
        write_records(self.root, FILE, records)
        self.commit()

    def merged(self, *branches: str) -> Records:
        self.git("checkout", "-q", branches[0])
        for other in branches[1:]:
            self.git("merge", "-q", "--no-edit", other)
        text = (self.root / FILE).read_text()
        assert json.loads(text)["version"] == 1
        return loads(text, "f")


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path)


def of(*steps: str, recipe: str = "") -> dict[str, Record]:
    return {key(f"{step}{recipe}"): record(step) for step in steps}


def test_branches_that_ran_different_steps(repository: Repository) -> None:
    base = of("a", "b", "c", "d", "e", "f")
    write_records(repository.root, FILE, Records(by_recipe=base))
    repository.commit()
    left = {**base, **of("b", recipe="2"), **of("new")}
    del left[key("b")]
    right = {**base, **of("c", "d", recipe="3"), **of("new", recipe="3"), **of("zz")}
    del right[key("c")], right[key("d")]
    repository.branch("left", Records(by_recipe=left))
    repository.branch("right", Records(by_recipe=right))
    found = repository.merged("left", "right").by_recipe
    assert found.items() >= of("b", recipe="2").items() | of("c", "d", recipe="3").items()
    assert found.items() >= {**of("a", "e", "f"), **of("new"), **of("new", recipe="3"), **of("zz")}.items()
    assert found == repository.merged("right", "left").by_recipe


def test_branches_that_began_the_same_file(repository: Repository) -> None:
    repository.branch("left", Records(by_recipe={**of("a", "b", "d"), **of("c", recipe="1")}))
    repository.branch("right", Records(by_recipe={**of("a", "b", "e"), **of("c", recipe="2")}))
    repository.branch("third", Records(by_recipe=of("z")))
    found = repository.merged("left", "right", "third").by_recipe
    assert found == {**of("a", "b", "d", "e", "z"), **of("c", recipe="1"), **of("c", recipe="2")}


@pytest.mark.parametrize("seed", range(12))
def test_branches_of_any_kind(repository: Repository, seed: int) -> None:
    """Whatever two branches did: no conflict, readable, and no record of either is lost that both did not drop."""
    from random import Random

    random = Random(seed)
    base = of(*random.sample("abcdefgh", 5))
    write_records(repository.root, FILE, Records(by_recipe=base))
    repository.commit()
    sides = []
    for name in ("left", "right"):
        side = {k: v for k, v in base.items() if random.random() < 0.6}
        side |= of(*random.sample("abcdefghij", random.randint(0, 6)), recipe=random.choice("12"))
        sides.append(side)
        repository.branch(name, Records(by_recipe=side))
    found = repository.merged("left", "right").by_recipe
    new = [{k: v for k, v in side.items() if k not in base} for side in sides]
    assert found.items() >= {**new[0], **new[1]}.items()
    assert found.items() >= (sides[0].items() & sides[1].items())
