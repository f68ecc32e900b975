"""Split a command into the words that may name files, and find the scripts that interpreters are given.

Only an approximation of bash is needed: a word too many costs nothing unless a file has that name. What a step, a data
set or ``$out`` stands for arrives as a NUL character, so that ``${out}/clean.csv`` is not taken for ``clean.csv``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from nivis.plan.shell import scan

_TOKEN = re.compile(
    r"(?P<blank>(?:[ \t\r]|\\\n)+)|(?P<separator>[\n;&|()`]+)|(?P<redirect>\d*[<>]+&?)"
    r"|(?P<word>(?:[^\s;&|()<>'\"\\`]|\\.|'[^']*'|\"(?:[^\"\\]|\\.)*\")+)|(?P<other>.)",
    re.DOTALL,
)
_QUOTED = re.compile(r"'([^']*)'|\"((?:[^\"\\]|\\.)*)\"|\\(.)", re.DOTALL)
_BEFORE_COMMAND = frozenset(
    {"!", "{", "}", "do", "done", "elif", "else", "esac", "fi", "if", "then", "time", "until", "while"}
)
_INNER = re.compile(r"[\s'\"();,=`|&<>\[\]{}]+")

# Options that take the next word. What is not listed takes none, or has it attached.
_INTERPRETERS: dict[str, tuple[frozenset[str], frozenset[str]]] = {
    # name: (options with a value, options after which there is no script)
    "python": (
        frozenset({"-W", "-X", "--check-hash-based-pycs"}),
        frozenset({"-c", "-", "-V", "--version", "--help", "-h"}),
    ),
    "bash": (frozenset({"-o", "-O", "+o", "+O", "--rcfile", "--init-file"}), frozenset({"-c", "-s", "--version"})),
    "Rscript": (frozenset(), frozenset({"-e", "--version", "--help"})),
    "node": (
        frozenset({"-r", "--require", "--import"}),
        frozenset({"-e", "-p", "--eval", "--print", "-v", "--version"}),
    ),
    "perl": (frozenset({"-I"}), frozenset({"-e", "-E", "-v"})),
    "julia": (frozenset({"-t", "--threads", "-p"}), frozenset({"-e", "-E", "--eval", "--version"})),
    "octave": (frozenset(), frozenset({"--eval", "--version"})),
}
_NAMES = re.compile(
    r"(?:.*/)?(?:(?P<python>python(?:3(?:\.\d+)?)?)|(?P<bash>bash|sh|dash)|(?P<other>Rscript|node|perl|julia|octave))\Z"
)


@dataclass(frozen=True, slots=True)
class Word:
    """A word without its quotes; ``quoted`` if it had any."""

    text: str
    quoted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """What an interpreter is to run: a file, a module (``python -m``) or a program text (``-c``)."""

    language: str
    file: str | None = None
    module: str | None = None
    text: str | None = None


def split(script: str) -> tuple[list[list[Word]], list[str]]:
    """Return the simple commands of a bash script and the texts of its here-documents; comments are left out."""
    documents: list[str] = []
    if "#" in script or "<<" in script:
        found = scan(script)
        documents = [script[start:end] for start, end in found.documents]
        script = _without(script, sorted([*found.comments, *found.documents]))
    commands: list[list[Word]] = [[]]
    for token in _TOKEN.finditer(script):
        if token.lastgroup == "word":
            commands[-1].append(_word(token[0]))
        elif token.lastgroup == "separator":
            if token[0].startswith(")") and _ends_in_pattern(commands[-1]):
                commands[-1].pop()
            commands.append([])
    return [words for command in commands if (words := _without_keywords(command))], documents


def _without_keywords(command: Sequence[Word]) -> list[Word]:
    """Return a command without bash's own words, which name no files: ``do``, ``for x in``."""
    words = list(command)
    while words and words[0].text in _BEFORE_COMMAND and not words[0].quoted:
        words = words[1:]
    if len(words) > 2 and words[0].text in {"for", "select", "case"} and words[2].text == "in":
        return [*([words[1]] if words[0].text == "case" else []), *words[3:]]
    return words


def _ends_in_pattern(command: Sequence[Word]) -> bool:
    """Tell whether the last word is the pattern of a ``case`` (``*)``), which names no files."""
    alone = len(command) == 1 or (len(command) > 1 and command[0].text == "case")
    return alone and any(char in command[-1].text for char in "*?[")


def _without(script: str, spans: Sequence[tuple[int, int]]) -> str:
    parts: list[str] = []
    last = 0
    for start, end in spans:
        if start >= last:  # a comment inside a here-document's $(…) is in its span already
            parts += [script[last:start], "\n"]
            last = end
    return "".join([*parts, script[last:]])


def _word(raw: str) -> Word:
    if "'" in raw or '"' in raw or "\\" in raw:
        return Word(_QUOTED.sub(_unquote, raw), quoted=True)
    return Word(raw)


def _unquote(match: re.Match[str]) -> str:
    if match[3] is not None:
        return "" if match[3] == "\n" else match[3]
    return match[1] if match[1] is not None else re.sub(r'\\([\\"$`\n])', r"\1", match[2])


def candidates(word: str, *, quoted: bool = False) -> Iterator[str]:
    """Yield the paths that a word may name: itself, what follows ``=``, parts of a list, words in a quoted text."""
    yield word
    if quoted and _INNER.search(word):
        yield from (part for part in _INNER.split(word) if part)
        return
    if "=" in word:
        word = word.rpartition("=")[2]
        yield word
    if ":" in word or "," in word:
        yield from (part for part in re.split("[:,]", word) if part)


def scripts(command: Sequence[Word]) -> Iterator[Script]:
    """Yield what the interpreters in a simple command are to run (``time python -u train.py --x`` → train.py)."""
    for index, word in enumerate(command):
        match = _NAMES.match(word.text)
        if match and not word.quoted:
            language = match["other"] or ("python" if match["python"] else "bash")
            script = _after_options(language, [word.text for word in command[index + 1 :]])
            if script is not None:
                yield script
                return


def _after_options(language: str, words: Sequence[str]) -> Script | None:
    valued, final = _INTERPRETERS[language]
    index = 0
    while index < len(words):
        word = words[index]
        after = words[index + 1] if index + 1 < len(words) else None
        if language == "python" and word == "-m":
            return Script(language=language, module=after)
        if word in final:
            return Script(language=language, text=after) if word == "-c" else None
        if not word.startswith(("-", "+")):
            return Script(language=language, file=word)
        index += 2 if word in valued else 1
    return None
