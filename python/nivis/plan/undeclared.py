"""Why a step failed, where it looked for a file or module that the project has but the step was not given.

What programs print about a missing file differs, so nothing is read out of it but words: one that names a file of the
project which the step does not see is the reason. Messages of real programs are in the tests.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import PurePosixPath
from posixpath import relpath

from nivis.errors import ManifestError
from nivis.plan.files import Files, normalise
from nivis.plan.sight import Sight, as_source, data_name, pattern
from nivis.plan.unimported import MOST, explain_package

LARGE = 1 << 20  # bytes: what is bigger is data
DATA_ENDS = frozenset(
    {
        *(".arrow", ".avro", ".csv", ".db", ".feather", ".jsonl", ".parquet", ".sqlite", ".tsv", ".xls", ".xlsx"),
        *(".h5", ".hdf5", ".mat", ".nc", ".npy", ".npz", ".pkl", ".rds", ".jpg", ".png", ".tif", ".tiff", ".wav"),
        *(".bam", ".bed", ".fasta", ".fastq", ".vcf", ".gz", ".tar", ".xz", ".zip", ".zst"),
    }
)

_MISSING = re.compile(
    r"no such file|FileNotFoundError|ENOENT|not found|no files? found|no rule to make target|does not exist"
    r"|(?:can(?:not|'t)|could not|failed to|unable to) (?:open|read|stat|access|find)",
    re.IGNORECASE,
)
_QUOTED = re.compile(
    r"'([^'\n]+)'|\"([^\"\n]+)\"|\u2018([^\u2019\n]+)\u2019|\u201c([^\u201d\n]+)\u201d|`([^`'\n]+)['`]"
)
_AROUND = ",:;()[]{}<>'\"`*\u2018\u2019\u201c\u201d"  # a word in a message
_SANDBOX = re.compile(r"(?:/[^/\s]+)*?/project/")
_SYSTEM = ("/bin/", "/build/", "/dev/", "/etc/", "/lib", "/nix/", "/proc/", "/run/", "/sys/", "/tmp/", "/usr/", "/var/")
_IMPORTED_FROM = re.compile(r"imported from (?P<file>\S+)|^- (?P<required>/\S+)", re.MULTILINE)
_NODE = ("", ".js", ".mjs", ".cjs", ".json", ".ts", "/index.js")


def explain(lines: Sequence[str], sight: Sight, files: Files) -> str:
    """Return why a step failed and what to add to the manifest; empty where its log tells of nothing undeclared."""
    try:
        return _explanation(lines, sight, files)
    except ManifestError as problem:  # a link that leads out of the project
        return str(problem)


def _explanation(lines: Sequence[str], sight: Sight, files: Files) -> str:
    text = "\n".join(lines)
    for line in reversed(lines):
        said = explain_package(line, sight, files)
        if said:
            return said
        if _MISSING.search(line):
            for word in _words(line):
                said = _file(word, text, sight, files)
                if said:
                    return said
    return ""


def _words(line: str) -> Iterator[str]:
    """Yield what may be a path in a message, what is quoted first."""
    seen = set()
    quoted = [next(part for part in match.groups() if part) for match in _QUOTED.finditer(line)]
    bare = [word.strip(_AROUND) for word in line.split()]
    for word in (*quoted, *bare, *(word.strip(".") for word in bare)):
        if word and word not in seen and len(word) < 1000:
            seen.add(word)
            yield word


def _file(word: str, text: str, sight: Sight, files: Files) -> str:
    made = _output(word, sight)
    if made:
        return made
    path, outside = _place(word, sight)
    if outside:
        return _from_outside(word, sight, files)
    candidates = [path] if path is not None else []
    if not PurePosixPath(word).is_absolute():
        top = normalise(word)
        candidates += [top, *(f"{source}/{top}" for source in sight.sources)] if top else []
        candidates += [near for near in _beside_requirer(word, text, sight) if near]
    for candidate in candidates:
        for found in (candidate + end for end in (_NODE if "Cannot find module" in text else _NODE[:1])):
            if found and (files.is_file(found) or (files.is_folder(found) and found not in (".", sight.folder))):
                return _found(found, word, text, sight, files)
    return _by_its_end(word, text, sight, files)


def _place(word: str, sight: Sight) -> tuple[str | None, bool]:
    """Return where in the project a path leads, and whether it is one of this machine that is no part of it."""
    if not word.startswith("/"):
        return normalise(f"{sight.folder}/{word}"), False
    if word.startswith(f"{sight.root}/"):
        return normalise(word.removeprefix(f"{sight.root}/")), False
    inner = _SANDBOX.match(word)
    if inner and word.startswith(("/build/", "/tmp/")):
        return normalise(word[inner.end() :]), False
    return None, not word.startswith(_SYSTEM)


def _from_outside(word: str, sight: Sight, files: Files) -> str:
    if not (files.root / word).exists():
        return ""
    return (
        f"'{word}' is a file of this machine, and a step sees nothing of it. Declare it in {sight.manifest}: "
        f'[data.{data_name(word, sight)}] path = "{word}", and write ${{data.{data_name(word, sight)}}} in its run.'
    )


def _beside_requirer(word: str, text: str, sight: Sight) -> Iterator[str | None]:
    """Yield what a relative import of Node means: it is relative to the file that it stands in."""
    for match in _IMPORTED_FROM.finditer(text):
        importer, _ = _place(match["file"] or match["required"], sight)
        if importer and word.startswith("."):
            yield normalise(f"{importer.rpartition('/')[0]}/{word}")


def _by_its_end(word: str, text: str, sight: Sight, files: Files) -> str:
    """Explain a name that is searched for in several places: a header, or a path after a change of folder."""
    end = normalise(word) if not word.startswith("/") else None
    if not end or "." not in end.rpartition("/")[2] or not PurePosixPath(end).stem:
        return ""
    below = [path for top in (sight.folder, *sight.sources) for path in islice(files.walk(top), MOST)]
    near = sorted({path for path in below if path.endswith(f"/{end}") and path not in sight.files})
    return _found(near[0], word, text, sight, files) if len(near) == 1 else ""


def _found(path: str, word: str, text: str, sight: Sight, files: Files) -> str:
    """Say what to do about something that the project has."""
    if path in sight.files:
        right = relpath(path, sight.folder)
        if normalise(f"{sight.folder}/{word}") == path or word.startswith("/build/"):
            return ""  # it is there: the fault is another
        return f"'{word}' is there, but the step runs in {sight.folder}. Write '{right}'."
    if path.startswith(f"{sight.generated}/"):
        return _of_a_result(path, word, sight)
    if _is_written(word, text, sight):
        return f"'{word}' is to be written where the step has no folder. Write to ${{out}}, which is what is kept."
    declared = next((name for name, at in sight.data.items() if path == at or path.startswith(f"{at}/")), None)
    if declared is not None:
        rest = path.removeprefix(sight.data[declared])
        what = f"'{path}' is declared as data, and a step gets data under another path"
        return f"{what}. Write ${{data.{declared}}}{rest} in its run, instead of '{word}'."
    is_folder = files.is_folder(path)
    what = f"'{path}' is in the project, but the step does not see it: no command or import names it"
    if is_folder or _is_data(path, files):
        name = data_name(path, sight)
        more = f'[data.{name}] path = "{path}", and write ${{data.{name}}} in its run'
        if not is_folder or path.startswith("data/"):
            return f"{what}. Declare it in {sight.manifest}: {more}."
        return f'{what}. Add to [{sight.section}] in {sight.manifest}: sources = ["{as_source(path, sight)}"].'
    return f'{what}. Add to [{sight.section}] in {sight.manifest}: sources = ["{pattern(path, sight, files)}"].'


def _output(word: str, sight: Sight) -> str:
    """Explain a path that another step writes."""
    name = normalise(word) if not word.startswith("/") else None
    for step, outputs in sight.outputs.items():
        if name and step != sight.step and name in outputs:
            return f"'{word}' is an output of step '{step}'. Write ${{steps.{step}}}/{name} in the step's run."
    return ""


def _of_a_result(path: str, word: str, sight: Sight) -> str:
    match = re.match(rf"{re.escape(sight.generated)}/{re.escape(sight.experiment)}/steps/([^/]+)/(.+)", path)
    what = f"'{word}' is a result, and generated/ is no part of what a step sees"
    if match:
        return f"{what}. Write ${{steps.{match[1]}}}/{match[2]} in the step's run."
    return f"{what}. Refer to the step of this experiment that makes it: ${{steps.NAME}}/…."


def _is_written(word: str, text: str, sight: Sight) -> bool:
    """Tell whether the file was to be written: opening it failed for want of its folder."""
    path = re.escape(word)
    redirected = re.search(rf">\s*[\"']?{path}", sight.script)
    opened = re.search(rf"{path}[\"'],\s*(?:mode\s*=\s*)?[\"'][wax]", text)
    saved = re.search(rf"(?:\.to_\w+|savefig|\.save\w*|dump|write\w*)\([^\n]*{path}", text)
    return bool(redirected or opened or saved)


def _is_data(path: str, files: Files) -> bool:
    in_data = path.startswith("data/") or PurePosixPath(path).suffix.lower() in DATA_ENDS
    return in_data or (files.is_file(path) and files.size(path) > LARGE)
