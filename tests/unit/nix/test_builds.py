"""The state of builds, from logs recorded from three versions (fixtures/README.md)."""

from __future__ import annotations

from pathlib import Path

import pytest

from nivis.nix.builds import BuildState, derivation_name
from nivis.nix.events import Kind, LogLine, Message, Progress, Started, Stopped, Text, parse

EVENTS = Path(__file__).with_name("fixtures") / "events"
VERSIONS = ("2.8", "2.26", "2.34")
DRV = "/nix/store/9b8n7ifz965sfzmwwd534s7z10lldvks-bad.drv"


def replay(version: str, log: str) -> tuple[BuildState, list[tuple[int, int, list[str]]]]:
    """Return the state after a log, and (done, expected, running) wherever it changed."""
    state, history = BuildState(), [(0, 0, list[str]())]
    for now, line in enumerate((EVENTS / version / f"{log}.log").read_text().splitlines()):
        state.apply(parse(line), float(now))
        entry = (len(state.done), state.expected, [build.name for build in state.running.values()])
        if entry != history[-1]:
            history.append(entry)
    return state, history


@pytest.mark.parametrize("version", VERSIONS)
def test_builds_that_all_go_well(version: str) -> None:
    state, history = replay(version, "ok")
    assert sorted(build.name for build in state.done.values()) == ["all", "bad", "base", "ok"]
    assert (state.expected, state.running, state.failed, state.blocked) == (4, {}, {}, set())
    assert (state.notes, state.errors) == ([], [])
    assert [running for _, _, running in history if running] == [["base"], ["bad"], ["ok"], ["all"]]


@pytest.mark.parametrize("version", ["2.26", "2.34"])
def test_listed_builds_keep_the_total_steady(version: str) -> None:
    _, history = replay(version, "ok")
    assert {expected for done, expected, running in history if done or running} == {4}


@pytest.mark.parametrize("version", VERSIONS)
def test_a_failed_build(version: str) -> None:
    state, _ = replay(version, "fail")
    assert sorted(build.name for build in state.done.values()) == ["base", "ok"]
    [(derivation, build)] = state.failed.items()
    assert derivation == build.derivation
    assert (build.name, build.reason, list(build.lines)) == ("bad", "failed with exit code 3", ["one", "two"])
    assert build.ended is not None
    assert build.started < build.ended
    assert [derivation_name(path) for path in state.blocked] == ["all"]
    assert (state.expected, state.running) == (4, {})
    [base] = [build for build in state.done.values() if build.name == "base"]
    assert (base.phase, list(base.lines)) == ("buildPhase", ["reading", "red"])


@pytest.mark.parametrize("version", VERSIONS)
def test_a_build_that_takes_too_long(version: str) -> None:
    state, _ = replay(version, "timeout")
    [build] = state.failed.values()
    assert (build.name, build.reason) == ("slow", "failed: it took longer than its timeout of 1 s")
    assert [done.name for done in state.done.values()] == ["quick"]
    assert (state.stray, state.running) == ([], {})
    assert list(build.lines) == ["one"]


@pytest.mark.parametrize("version", VERSIONS)
def test_nothing_to_do(version: str) -> None:
    state, _ = replay(version, "nothing")
    assert (state.expected, state.done, state.failed, state.notes, state.errors) == (0, {}, {}, [], [])


@pytest.mark.parametrize("version", VERSIONS)
def test_a_rebuild_is_a_build(version: str) -> None:
    state, _ = replay(version, "rebuild")
    assert [build.name for build in state.done.values()] == ["all"]


@pytest.mark.parametrize("version", VERSIONS)
def test_content_with_another_hash(version: str) -> None:
    state, _ = replay(version, "mismatch")
    [build] = state.failed.values()
    assert (build.name, build.reason) == (
        "file.csv",
        (
            "hash mismatch: expected sha256-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=, "
            "got sha256-WJG1tSLV3whtD/CxEPvZ0hu0/HFjrzTQgoai6Eb2vgM="
        ),
    )
    assert (state.done, state.fetched, state.transfers) == ({}, 1, {})


@pytest.mark.parametrize("version", VERSIONS)
def test_an_error_of_evaluation_is_kept_in_full(version: str) -> None:
    state, _ = replay(version, "eval")
    [error] = state.errors
    assert error.startswith("error: attribute 'b' missing\n")
    assert "\x1b" not in error
    assert state.failed == {}


def test_only_the_last_lines_of_a_log_are_kept() -> None:
    state = BuildState()
    state.apply(Started(id=1, kind=Kind.BUILD, text="", fields=(DRV,)), 0)
    for number in range(100):
        state.apply(LogLine(id=1, text=str(number)), 1)
    assert list(state.running[1].lines) == [str(number) for number in range(75, 100)]


def test_downloads_are_counted_in_bytes() -> None:
    state = BuildState()
    state.apply(Started(id=1, kind=Kind.FILE_TRANSFER, text="downloading", fields=("https://mirror.example/x",)), 0)
    state.apply(Progress(id=1, done=10, expected=40, running=0, failed=0), 1)
    [transfer] = state.transfers.values()
    assert (transfer.name, transfer.done, transfer.expected) == ("https://mirror.example/x", 10, 40)
    state.apply(Stopped(id=1), 2)
    assert (state.transfers, state.fetched) == ({}, 1)


def test_events_of_unknown_activities_change_nothing() -> None:
    state = BuildState()
    for event in (
        Stopped(id=9),
        LogLine(id=9, text="x"),
        Progress(id=9, done=1, expected=2, running=0, failed=0),
        None,
    ):
        state.apply(event, 0)
    assert (state.expected, state.running, state.done) == (0, {}, {})


def test_a_build_that_failed_before_it_was_seen() -> None:
    state = BuildState()
    state.apply(Message(level=0, text=f"error: builder for '{DRV}' failed with exit code 1;\n last 2 log lines:"), 0)
    assert state.failed[DRV].reason == "failed with exit code 1"


@pytest.mark.parametrize("version", VERSIONS)
def test_a_failed_build_is_never_taken_for_done(version: str) -> None:
    state = BuildState()
    for now, line in enumerate((EVENTS / version / "fail.log").read_text().splitlines()):
        state.apply(parse(line), float(now))
        assert "bad" not in {build.name for build in state.done.values()}


def test_a_build_whose_failure_is_told_last() -> None:
    """Where nothing waits for it, its message comes after all activities have stopped."""
    state = BuildState()
    state.apply(Started(id=1, kind=Kind.BUILDS, text=""), 0)
    state.apply(Started(id=2, kind=Kind.BUILD, text="", fields=(DRV,)), 0)
    state.apply(Progress(id=1, done=0, expected=0, running=0, failed=1), 1)
    state.apply(Stopped(id=2), 2)
    assert (list(state.failed), state.done) == ([DRV], {})
    state.apply(Message(level=0, text=f"error: builder for '{DRV}' failed with exit code 3"), 3)
    assert (state.failed[DRV].reason, state.failed[DRV].ended) == ("failed with exit code 3", 2)


def test_a_build_that_nix_ended_because_another_failed_is_neither_done_nor_failed() -> None:
    state = BuildState()
    state.apply(Started(id=1, kind=Kind.BUILDS, text=""), 0)
    state.apply(Started(id=2, kind=Kind.BUILD, text="", fields=(DRV,)), 0)
    state.apply(Stopped(id=2), 2)
    assert (state.running, state.done, state.failed) == ({}, {}, {})


@pytest.mark.parametrize("version", VERSIONS)
def test_what_nix_says_of_a_failed_build_is_about_builds(version: str) -> None:
    assert replay(version, "fail")[0].stray == []


@pytest.mark.parametrize("text", ["'{}' has", '"{}" has'])
@pytest.mark.parametrize("root", ["", "/root"])
def test_a_pipe_in_the_output(text: str, root: str) -> None:
    path = f"{DRV}.chroot{root}/nix/store/i90d3pj9qx5lvhajwy8g8103psfdp405-bad/sub/pipe"
    state = BuildState()
    state.apply(Message(level=0, text=f"error: file {text.format(path)} an unsupported type"), 0)
    assert state.failed[DRV].reason == "failed: it wrote 'sub/pipe', which is neither a file, a folder nor a link"
    assert state.stray == []


def test_an_error_about_no_build_is_kept_apart() -> None:
    state = BuildState()
    state.apply(Message(level=0, text="error: cannot open the moon"), 0)
    assert (state.stray, state.failed) == (["error: cannot open the moon"], {})


def test_warnings_and_text_become_notes_but_expected_ones_do_not() -> None:
    state = BuildState()
    for text in (
        "warning: something odd",
        "warning: ignoring the client-specified setting 'sandbox', because it is a restricted setting",
        "warning: Git tree '/home/user/p' is dirty",
    ):
        state.apply(Message(level=1, text=text), 0)
    state.apply(Text(text="half a line"), 0)
    state.apply(Text(text="  "), 0)
    assert state.notes == ["warning: something odd", "half a line"]


FOLDERS = {
    "2.8": ["/tmp/nix-build-one.drv-0", "/tmp/nix-build-two.drv-0"],
    "2.26": ["/tmp/nix-build-one.drv-1", "/tmp/nix-build-two.drv-1"],
    "2.34": ["/nix/var/nix/builds/nix-21452-3629385874", "/nix/var/nix/builds/nix-21452-3629385875"],
}


@pytest.mark.parametrize("version", VERSIONS)
def test_folders_that_are_kept(version: str) -> None:
    state, _ = replay(version, "kept")
    found = {build.name: (build.folder, build.reason) for build in state.failed.values()}
    assert {name: reason for name, (_, reason) in found.items()} == dict.fromkeys(
        ("one", "two"), "failed with exit code 3"
    )
    folders = [found[name][0] for name in ("one", "two")]
    assert folders == FOLDERS[version]
    assert sorted(state.kept) == sorted(folders)
    assert state.stray == []


def test_a_folder_of_a_sandbox_is_a_builds_own() -> None:
    state = BuildState()
    for number, name in enumerate(("a", "b")):
        fields = (f"/nix/store/{number * 32}{'x' * 32}"[:43] + f"-{name}.drv",)
        state.apply(Started(id=number, kind=Kind.BUILD, text="", fields=fields), 0.0)
    state.apply(Message(level=0, text="note: keeping build directory '/tmp/nix-build-b.drv-7/build'"), 1.0)
    assert {build.name: build.folder for build in state.running.values()} == {
        "a": "",
        "b": "/tmp/nix-build-b.drv-7/build",
    }
    assert (state.errors, state.stray) == ([], [])
