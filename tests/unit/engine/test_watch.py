"""Memory of a real process and of its children."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from nivis.engine.watch import MemoryWatch, children, proportional, resident

MIB = 1 << 20
GROWS = "import time\nx = []\nfor _ in range(60):\n    x.append(bytearray(10 << 20)); time.sleep(0.02)\ntime.sleep(60)"


@contextmanager
def family(script: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run a script in a grandchild: a shell stands for Nix."""
    command = ["bash", "-c", '"$0" -c "$1" & wait', sys.executable, script]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        try:
            yield process
        finally:
            for child in children(process.pid):
                os.kill(child, 9)
            process.kill()


def eventually(condition: object, seconds: float = 10.0) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if callable(condition) and condition():
            return True
        time.sleep(0.02)
    return False


def test_what_grows_too_large_is_ended() -> None:
    with family(GROWS) as process:
        watch = MemoryWatch(process.pid, 200 * MIB)
        watch.start()
        process.wait(20)
        watch.stop()
        assert watch.peak is not None
        assert 200 * MIB < watch.peak < 500 * MIB
        assert not watch.is_alive()
        assert list(children(process.pid)) == []


def test_what_stays_small_goes_on() -> None:
    with family("import time; x = bytearray(50 << 20); time.sleep(60)") as process:
        watch = MemoryWatch(process.pid, 500 * MIB)
        watch.start()
        time.sleep(0.5)
        assert list(children(process.pid))
        watch.stop()
        assert watch.peak is None
        assert process.poll() is None


def test_shared_pages_count_once() -> None:
    script = (
        "import os, time\nx = bytearray(120 << 20)\n"
        "for _ in range(3):\n    os.fork() or time.sleep(60) or os._exit(0)\ntime.sleep(60)"
    )
    with family(script) as process:
        assert eventually(lambda: len(list(children(process.pid))) == 4)
        members = list(children(process.pid))
        assert sum(map(resident, members)) > 400 * MIB
        assert sum(map(proportional, members)) < 250 * MIB
        watch = MemoryWatch(process.pid, 300 * MIB)
        watch.start()
        time.sleep(0.4)
        watch.stop()
        assert watch.peak is None


def test_processes_that_are_gone() -> None:
    gone = subprocess.Popen(["true"])
    gone.wait()
    assert (list(children(gone.pid)), resident(gone.pid), proportional(gone.pid)) == ([], 0, 0)
