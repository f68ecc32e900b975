"""Which files of the project a step sees.

- the words of its command that name a file or folder: relative to the experiment's folder, or beginning with a source
  folder (``src/…``); globs among them are expanded;
- what those need: imports of Python files and notebooks, ``source("…")`` of R, and the words of shell scripts;
- the globs of ``sources``, relative to the experiment's folder, or to the root with a leading ``/``.

Never: the experiment's manifest, its records and report, and generated files, or the report's text would be an
input of every step. ``.`` names no files either: it is where the step runs.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from itertools import islice
from posixpath import relpath

from nivis.errors import ManifestError, NivisError
from nivis.manifest.model import Experiment, Project
from nivis.plan.files import Files, normalise
from nivis.plan.globs import expand, is_glob
from nivis.plan.imports import Closure, Roots
from nivis.plan.notebook import code
from nivis.plan.words import Script, Word, candidates, scripts, split

MOST_FILES = 10_000  # in one named folder; more are data
RECORDS = ("experiment.toml", "hashes.txt", "results.lock")

_LANGUAGES = {
    ".py": "python",
    ".r": "Rscript",
    ".sh": "bash",
    ".bash": "bash",
    **dict.fromkeys((".ipynb", ".md", ".qmd"), "notebook"),
}
_SHEBANG = re.compile(rb"#!\s*\S*?(?:/env\s+(?:-S\s+)?)?/?(python|Rscript|bash|sh)[0-9.]*\s")
_SHEBANGS = {b"python": "python", b"Rscript": "Rscript", b"bash": "bash", b"sh": "bash"}
_R_SOURCE = re.compile(r"\bsource\(\s*(?:file\s*=\s*)?([\"'])(?P<path>[^\"'\n]+)\1")
_SCRIPT_NAME = re.compile(r"[\w./+@-]+\.(?:py|r|R|sh|bash|pl|js|mjs|cjs|jl|m)\Z")


Entry = tuple[str, str]  # a path and the language it is read in ("-": it names nothing further)


@dataclass(slots=True)
class Found:
    """What a command names, and what is wrong with the way it does."""

    entries: set[Entry] = field(default_factory=set)
    problems: list[tuple[str, NivisError]] = field(default_factory=list)  # with the text to look for

    def add(self, paths: Iterable[str]) -> None:
        """Add files whose needs are in ``paths``, too."""
        self.entries.update((path, "-") for path in paths)

    def merge(self, other: Found) -> None:
        """Add what another found."""
        self.entries |= other.entries
        self.problems += other.problems


class Sources:
    """Finds the files of an experiment's steps. One instance serves all of them, so that nothing is followed twice."""

    def __init__(self, files: Files, project: Project, experiment: Experiment) -> None:
        self.files = files
        self.closure = Closure(files)
        self.folder = str(experiment.folder)
        self.source = tuple(normalise(str(path)) or "" for path in project.source)
        self.roots: Roots = (self.folder, *self.source)
        self.generated = str(project.generated)
        self.experiments = str(project.experiments)
        self.report = f"{self.folder}/{(experiment.report or {}).get('source', 'report.md')}"
        self._closed: dict[frozenset[Entry], list[str]] = {}
        self._needs: dict[Entry, frozenset[Entry]] = {}
        self._words: dict[tuple[Word, tuple[str, ...]], Found] = {}

    def of_script(self, text: str) -> Found:
        """Return the files that a bash script names; references are NUL characters in it."""
        commands, documents = split(text)
        return self._of_commands(commands, documents)

    def of_argv(self, words: Sequence[str]) -> Found:
        """Return the files that an argument vector names."""
        return self._of_commands([[Word(word) for word in words]], [])

    def of_globs(self, patterns: Iterable[str]) -> Found:
        """Return the files of a step's ``sources``."""
        found = Found()
        for pattern in patterns:
            path = normalise(pattern.lstrip("/") if pattern.startswith("/") else f"{self.folder}/{pattern}")
            if path is None:
                found.problems.append((pattern, _outside(pattern)))
                continue
            matches = self._allowed(expand(self.files, path))
            if not matches:
                where = "the project" if pattern.startswith("/") else self.folder
                what = f"'{pattern}' matches no file in {where}"
                found.problems.append((pattern, ManifestError(what, hint=self._hint_for_glob(pattern))))
            found.entries.update((match, self._language(match)) for match in matches)
        return found

    def _hint_for_glob(self, pattern: str) -> str:
        path = normalise(pattern.lstrip("/"))
        if not pattern.startswith("/") and path is not None and self._allowed(expand(self.files, path)):
            return f"Did you mean '/{path}', from the project's root?"
        return "Correct or remove it; a leading '/' means the project's root."

    def close(self, found: Found) -> list[str]:
        """Return the files found, with what they need in turn and where links lead, sorted."""
        key = frozenset(found.entries)
        if key not in self._closed:
            self._closed[key] = self._close(key)
        return self._closed[key]

    def _close(self, entries: frozenset[Entry]) -> list[str]:
        seen = set(entries)
        queue = list(seen)
        while queue:
            new = self._needed(queue.pop()) - seen
            seen |= new
            queue.extend(new)
        paths: set[str] = set()
        for path, _ in seen:
            real = self.files.resolve(path)
            paths.update((real[0], *real[1]) if real else ())
        return sorted(paths)

    # ------------------------------------------------------------------------------------ commands

    def _of_commands(self, commands: Sequence[Sequence[Word]], documents: Sequence[str]) -> Found:
        found = Found()
        folders = self._working_folders(commands)
        for command in commands:
            for word in command:
                found.merge(self._word(word, folders))
            for script in scripts(command):
                self._script(script, folders, commands, found)
            first = command[0].text
            if first.startswith(("./", "../")):
                self._script(Script(language="", file=first), folders, commands, found)
        for document in documents:
            found.merge(self._word(Word(document, quoted=True), folders))
            found.add(self.closure.of_text(document, self.roots))
        return found

    def _working_folders(self, commands: Sequence[Sequence[Word]]) -> tuple[str, ...]:
        """Return where relative paths may begin: the experiment's folder, and wherever a ``cd`` leads."""
        folders = [self.folder]
        for command in commands:
            if len(command) > 1 and command[0].text in {"cd", "pushd"}:
                path = normalise(f"{folders[-1]}/{command[1].text}")
                if path is not None and self.files.is_folder(path):
                    folders.append(path)
        return tuple(folders)

    def _word(self, word: Word, folders: tuple[str, ...]) -> Found:
        if (word, folders) not in self._words:
            self._words[word, folders] = self._named(word, folders)
        return self._words[word, folders]

    def _named(self, word: Word, folders: tuple[str, ...]) -> Found:
        """Return the files that one word names."""
        found = Found()
        for candidate in candidates(word.text, quoted=word.quoted):
            if "\0" in candidate or "$" in candidate or candidate.startswith("/"):
                continue
            for folder in folders:
                path = normalise(f"{folder}/{candidate}")
                if path is not None:
                    self._path(path, candidate, word, found)
                elif candidate.strip("./") and (self.files.root / folder / candidate).exists():
                    found.problems.append((candidate, _outside(candidate)))
            top = normalise(candidate)
            if top and any(top.startswith(f"{source}/") for source in self.source if source):
                self._path(top, candidate, word, found)
        return found

    def _path(self, path: str, written: str, word: Word, found: Found) -> None:
        """Add what a path names, if it names anything."""
        if is_glob(path) and not word.quoted:
            matches = expand(self.files, path)
        elif self.files.is_file(path):
            matches = [path]
        elif path and not f"{self.folder}/".startswith(f"{path}/") and self.files.is_folder(path):
            matches = list(islice(self.files.walk(path), MOST_FILES + 1))
        else:
            return
        if len(matches) > MOST_FILES:
            what = f"'{written}' names more than {MOST_FILES:,} files"
            hint = f'Declare them as data: [data.NAME] path = "{path}", and write ${{data.NAME}} here.'
            found.problems.append((written, ManifestError(what, hint=hint)))
            return
        found.entries.update((match, self._language(match)) for match in self._allowed(matches))

    def _allowed(self, paths: Iterable[str]) -> list[str]:
        return [path for path in paths if not self._never(path)]

    def _never(self, path: str) -> bool:
        """Tell whether a file is never a step's: records of experiments, this one's report, generated files."""
        folder, _, name = path.rpartition("/")
        record = name in RECORDS and folder.rpartition("/")[0] == self.experiments
        return record or path == self.report or path.startswith(f"{self.generated}/")

    def _script(self, script: Script, folders: Sequence[str], commands: Sequence[Sequence[Word]], found: Found) -> None:
        """Add what an interpreter is given, or note that it is not there."""
        if script.module is not None:
            found.add(self.closure.of_module(script.module, self.roots))
        if script.text is not None and script.language == "python":
            found.add(self.closure.of_text(script.text, self.roots))
        if script.text is not None and script.language == "bash":
            found.entries |= self.of_script(script.text).entries
        file = script.file
        if file is None or "\0" in file or "$" in file or is_glob(file):
            return
        paths = [path for folder in folders if (path := normalise(f"{folder}/{file}")) is not None]
        there = next((path for path in paths if self.files.is_file(path)), None)
        if there is not None:
            found.entries.add((there, script.language or self._language(there)))
        elif _must_exist(file, commands) and not any(map(self.files.is_folder, paths)):
            found.problems.append((file, self.missing(file)))

    def missing(self, file: str) -> ManifestError:
        """Say which file is nearest to a script that is not there."""
        what = f"no file '{file}' in {self.folder}"
        top = normalise(file)
        if top and self.files.is_file(top):
            nearest = relpath(top, self.folder)
            return ManifestError(what, hint=f"A step runs in its experiment's folder: write '{nearest}'.")
        suffix = file.rpartition(".")[2]
        names = [path.removeprefix(f"{self.folder}/") for path in self.files.walk(self.folder)]
        names = [name for name in names if name.rpartition(".")[2].lower() == suffix.lower()]
        near = get_close_matches(normalise(file) or file, names, n=1, cutoff=0.5)
        if near:
            return ManifestError(what, hint=f"Did you mean '{near[0]}'?")
        return ManifestError(
            what, hint=f"There are: {', '.join(names)}." if names else "Write it, or correct the name."
        )

    # ------------------------------------------------------------------------------------ contents

    def _language(self, path: str) -> str:
        name = path.rpartition("/")[2]
        dot = name.rfind(".")
        if dot > 0:
            return _LANGUAGES.get(name[dot:].lower(), "-")
        if self.files.size(path) > 1 << 20:
            return "-"
        shebang = _SHEBANG.match(self.files.read(path))
        return _SHEBANGS[shebang[1]] if shebang else "-"

    def _needed(self, entry: Entry) -> frozenset[Entry]:
        """Return what a file needs directly (of Python: all that it imports)."""
        if entry not in self._needs:
            self._needs[entry] = frozenset(self._read(*entry))
        return self._needs[entry]

    def _read(self, path: str, language: str) -> Iterator[Entry]:
        if language == "python":
            yield from ((file, "-") for file in self.closure.of_script(path, self.roots))
        elif language == "notebook":
            yield from ((file, "-") for file in self.closure.of_text(code(path, self.files.text(path)), self.roots))
        elif language == "Rscript":
            for match in _R_SOURCE.finditer(self.files.text(path)):
                target = normalise(f"{self.folder}/{match['path']}")
                if target is not None and self.files.is_file(target):
                    yield target, language
        elif language == "bash":
            yield from self.of_script(self.files.text(path)).entries


def _must_exist(file: str, commands: Sequence[Sequence[Word]]) -> bool:
    """Tell whether a script that is not there is a mistake: not if the command makes it before, or moves elsewhere."""
    mentions = sum(word.text == file for command in commands for word in command)
    moves = any(command[0].text in {"cd", "pushd"} for command in commands)
    return mentions == 1 and not moves and _SCRIPT_NAME.match(file) is not None


def _outside(written: str) -> ManifestError:
    return ManifestError(
        f"'{written}' is outside the project",
        hint="A step sees only the project: move it there, or declare it under [data].",
    )
