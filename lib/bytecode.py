"""Compile every module below a folder, side by side and bit-identically: bytecode.py FOLDER WORKERS.

The store is read-only, so bytecode that is not compiled at build time is compiled anew at every
import. Two things make it reproducible:

* ``unchecked-hash`` files (PEP 552): no time stamp inside, and no look at the source at import;
* marshal writes a back-reference for an object that is referenced more than once *by anybody*, so the
  bytes depend on what the process did before. Modules are therefore split into shards of a fixed
  size in sorted order, and each shard is compiled by a fresh fork of the same parent, however many
  processors there are.
"""

import gc
import marshal
import os
import sys
import warnings
from importlib.util import MAGIC_NUMBER, cache_from_source, source_hash

SHARD = 64  # modules; small enough to balance, large enough to make the fork's cost disappear
HEADER = MAGIC_NUMBER + (1).to_bytes(4, "little")  # PEP 552: by hash, not checked


def modules(folder):
    """List the modules below ``folder``, sorted by path; packages' own tests (``tests/…/test_*.py``) are left out.

    They are half of all modules of pandas, numpy, scipy and scikit-learn, no program imports them, and pytest
    rewrites them into bytecode of its own.
    """
    found = []
    for directory, folders, files in os.walk(folder):
        folders.sort()
        unused = "test_" if "/tests/" in f"{directory}/" else "\0"
        found += [
            os.path.join(directory, name) for name in files if name.endswith(".py") and not name.startswith(unused)
        ]
    return sorted(found)


def compile_shard(paths):
    """Compile modules; one that is no valid Python (a template, a test of the parser) is left alone.

    As py_compile does, apart from its renaming of temporary files: here nobody looks before the build is over.
    """
    for path in paths:
        with open(path, "rb", buffering=0) as file:
            source = file.read()
        try:
            code = compile(source, path, "exec", dont_inherit=True)
        except (SyntaxError, ValueError, RecursionError):
            continue
        target = cache_from_source(path)
        os.makedirs(os.path.dirname(target), exist_ok=True)
        with open(target, "wb", buffering=0) as file:
            file.write(HEADER + source_hash(source) + marshal.dumps(code))


def main(root, workers):
    """Compile the modules below ``root`` with so many processes at a time."""
    paths = modules(root)
    warnings.simplefilter("ignore")
    gc.disable()  # modules are many and small: nothing worth collecting
    running = 0
    for start in range(0, len(paths), SHARD):
        if running == workers:
            reap()
            running -= 1
        if os.fork() == 0:
            code = 1
            try:
                compile_shard(paths[start : start + SHARD])
                code = 0
            except BaseException as error:  # a fork must not return into its parent's code
                os.write(2, f"compiling bytecode: {error!r}\n".encode())
            finally:
                os._exit(code)
        running += 1
    for _ in range(running):
        reap()


def reap():
    """Wait for one worker; a worker that died has left modules uncompiled, which would go unnoticed."""
    _, status = os.wait()
    if status:
        sys.exit(f"a bytecode compiler ended with status {os.waitstatus_to_exitcode(status)}")


main(sys.argv[1], int(sys.argv[2]))
