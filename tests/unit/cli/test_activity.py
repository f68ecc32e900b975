"""What is going on, and the lines that show it."""

import pytest

from nivis.cli.activity import (
    Activity,
    Line,
    build_summary,
    current_lines,
    cut,
    elapsed_text,
    fitting,
    line_text,
    summary,
)
from nivis.progress import BuildSnapshot


def downloading() -> Activity:
    """Two files of 2 MB began at 0; in two seconds 1.5 MB and 0.5 MB came, and a third one is done."""
    activity = Activity(0.0)
    for name in ("a.deb", "b.deb", "c.deb"):
        activity.begin(name, "download", 2_000_000, 0.0)
    activity.advance("c.deb", 2_000_000, 0.5)
    activity.end("c.deb", False, 0.5)
    activity.advance("a.deb", 1_500_000, 1.0)
    activity.advance("b.deb", 500_000, 2.0)
    return activity


def test_downloads_are_one_line() -> None:
    assert current_lines(downloading(), 2.5) == [
        Line(doing="downloading", share=4 / 6, numbers="4.0 MB of 6.0 MB, 1.0 MB/s", names=["a.deb", "b.deb"])
    ]


def test_a_rate_forgets_what_is_long_ago() -> None:
    activity = downloading()
    activity.advance("b.deb", 100_000, 12.0)
    assert activity.rate("download", 13.0) == 0.0
    assert activity.rate("download", 12.1) == 0.0  # too early to tell


def test_without_a_total_there_is_no_share() -> None:
    activity = Activity(0.0)
    activity.begin("page", "download", None, 0.0)
    activity.advance("page", 1234, 0.1)
    assert current_lines(activity, 0.2) == [Line(doing="downloading", share=None, numbers="1.2 kB", names=["page"])]


def test_a_file_of_unknown_size_counts_once_it_is_there() -> None:
    activity = Activity(0.0)
    activity.begin("page", "download", None, 0.0)
    activity.advance("page", 1000, 0.1)
    activity.end("page", False, 0.1)
    activity.begin("file", "download", 1000, 0.1)
    assert current_lines(activity, 0.2)[0].numbers == "1.0 kB of 2.0 kB"


def test_a_build_names_the_longest_running_first() -> None:
    activity = Activity(0.0)
    running = [("clean", 2.0), ("train", 12.0)]
    activity.building(BuildSnapshot(total=12, done=3, running=running, failed=["fit"]), 5.0)
    assert current_lines(activity, 6.0) == [
        Line(doing="building", share=0.25, numbers="3/12, 1 failed", names=["train (13 s)", "clean (3.0 s)"])
    ]


def test_what_is_not_counted_in_bytes() -> None:
    activity = Activity(0.0)
    activity.begin("base tree", "unpack", 63, 0.0)
    activity.advance("base tree", 21, 1.0)
    activity.begin("poetry.lock", "read", None, 1.0)
    assert current_lines(activity, 2.0) == [
        Line(doing="reading", share=None, numbers="", names=["poetry.lock"]),
        Line(doing="unpacking", share=1 / 3, numbers="21/63", names=["base tree"]),
    ]
    assert "".join(line_text(current_lines(activity, 2.0)[0], width=80)) == "reading     poetry.lock"


def test_a_finished_build_is_no_line_but_a_summary() -> None:
    activity = Activity(0.0)
    activity.building(BuildSnapshot(total=2, done=0), 1.0)
    activity.building(BuildSnapshot(total=2, done=2), 9.0)
    assert (current_lines(activity, 9.0), build_summary(activity, 9.0)) == ([], "built 2 parts in 8.0 s")


def test_nothing_built_is_nothing_to_say() -> None:
    activity = Activity(0.0)
    activity.building(BuildSnapshot(total=2, done=0, failed=["a"]), 1.0)
    assert build_summary(activity, 2.0) == ""


@pytest.mark.parametrize(
    ("width", "text"),
    [
        (20, "downloading 4.0 MB …"),
        (30, "downloading 4.0 MB of 6.0 MB"),
        (60, "downloading 4.0 MB of 6.0 MB: a.deb, bb.deb, ccc.deb"),
        (72, "downloading ━━━━━━━━━━━━━╌╌╌╌╌╌╌ 4.0 MB of 6.0 MB: a.deb, bb.deb, +1"),
        (80, "downloading ━━━━━━━━━━━━━╌╌╌╌╌╌╌ 4.0 MB of 6.0 MB: a.deb, bb.deb, ccc.deb"),
    ],
)
def test_a_line_at_several_widths(width: int, text: str) -> None:
    line = Line(doing="downloading", share=4 / 6, numbers="4.0 MB of 6.0 MB", names=["a.deb", "bb.deb", "ccc.deb"])
    assert "".join(line_text(line, width=width)) == text


@pytest.mark.parametrize("width", range(1, 120))
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    line = Line(doing="downloading", share=0.5, numbers="4.0 MB of 6.0 MB", names=["x" * 50, "yy", "z" * 30])
    assert len("".join(line_text(line, width=width))) <= width


@pytest.mark.parametrize(
    ("width", "text"), [(11, "one, +2"), (12, "one, two, +1"), (17, "one, two, three"), (2, "o…"), (0, "")]
)
def test_names_that_fit(width: int, text: str) -> None:
    assert fitting(["one", "two", "three"], width) == text


def test_cutting() -> None:
    assert (cut("abc", 3), cut("abcd", 3), cut("abcd", 1), cut("abcd", 0)) == ("abc", "ab…", "…", "")


def test_summaries() -> None:
    activity = downloading()
    assert summary(activity, "download") == "downloaded c.deb, 2.0 MB in 0.5 s"
    for name in ("a.deb", "b.deb"):
        activity.end(name, False, 3.0)
    assert summary(activity, "download") == "downloaded 3 files, 4.0 MB in 3.0 s"
    assert summary(activity, "hash") == ""


def test_failed_and_unknown_tasks_do_not_count() -> None:
    activity = Activity(0.0)
    activity.begin("a", "download", 10, 0.0)
    activity.end("a", True, 1.0)
    activity.advance("stranger", 1, 1.0)
    activity.end("stranger", False, 1.0)
    assert summary(activity, "download") == ""


def test_the_stopwatch() -> None:
    assert elapsed_text(Activity(10.0), 77.0) == "1:07 elapsed"
