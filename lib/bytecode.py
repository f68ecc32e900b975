"""Compile every module below a folder, side by side and bit-identically: bytecode.py FOLDER WORKERS.

The store is read-only, so bytecode that is not compiled at build time is compiled anew at every
import. Two things make it reproducible:

* ``unchecked-hash`` files (PEP 552): no time stamp inside, and no look at the source at import;
* marshal writes a back-reference for an object that is referenced more than once *by anybody*, so the
  bytes depend on what the process did before. Modules are therefore split into shards of a fixed
  size in sorted order, and each shard is compiled by a fresh fork of the same parent, however many
  processors there are.
"""

import os
import py_compile
import sys
import warnings

SHARD = 64  # modules; small enough to balance, large enough to make the fork's cost disappear


def modules(folder):
    """List the modules below ``folder``, sorted by path."""
    found = []
    for directory, folders, files in os.walk(folder):
        folders.sort()
        found += [os.path.join(directory, name) for name in files if name.endswith(".py")]
    return sorted(found)


def compile_shard(paths):
    """Compile modules; one that is no valid Python (a template, a test of the parser) is left alone."""
    warnings.simplefilter("ignore")
    mode = py_compile.PycInvalidationMode.UNCHECKED_HASH
    for path in paths:
        try:
            py_compile.compile(path, doraise=True, invalidation_mode=mode)
        except (py_compile.PyCompileError, ValueError, RecursionError):
            continue


def main(root, workers):
    """Compile the modules below ``root`` with so many processes at a time."""
    paths = modules(root)
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
