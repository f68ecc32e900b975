"""Follow the quoting of a bash script, as far as needed to put text into it.

``scan`` reports in which quotes every placeholder (a NUL character) stands, and where comments and here-documents
are. It follows quotes, ``$'…'``, ``$(…)`` and ``${…}`` nested at will, here-documents, arithmetic and comments
(Bash manual, "Quoting", "Shell Expansions", "Here Documents"). It never fails: a script that bash would
refuse is for bash to refuse.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import Enum

PLACEHOLDER = "\0"


class Quote(Enum):
    """What surrounds a place in a script."""

    NONE = "outside quotes"
    DOUBLE = "in double quotes"
    SINGLE = "in single quotes"
    ANSI = "in $'…'"
    DOCUMENT = "in a here-document"
    LITERAL_DOCUMENT = "in a here-document with a quoted delimiter"
    COMMENT = "in a comment"
    EXPANSION = "inside ${…}"
    ARITHMETIC = "in arithmetic"
    BACKQUOTE = "in backquotes"


@dataclass(slots=True)
class Scan:
    """What was found in a script."""

    quotes: list[Quote] = field(default_factory=list)  # of each placeholder, in order
    comments: list[tuple[int, int]] = field(default_factory=list)
    documents: list[tuple[int, int]] = field(default_factory=list)  # here-documents with their delimiter lines


def scan(script: str) -> Scan:
    """Return the quote state of every placeholder in ``script``, its comments and here-documents."""
    scanner = _Scanner(script)
    position = 0
    while position < len(script):  # more than once only where a bracket too many ended the reading
        position = scanner.code(position, len(script), end="")
    return scanner.found


_PLAIN = re.compile(r"[^\0'\"\\$`#()<\n;&|{}\s]+")
_WORD = re.compile(r"[^\s;&|()<>'\"\\$`\0]+")
_DELIMITER = re.compile(r"<<(?P<tabs>-?)[ \t]*(?P<word>(?:'[^'\n]*'|\"[^\"\n]*\"|\\.|[^\s;&|()<>'\"\\])+)")
_BEFORE_COMMAND = frozenset({"do", "then", "else", "elif", "if", "while", "until", "time", "!", "{"})


@dataclass(slots=True)
class _Document:
    delimiter: str
    tabs: bool
    quoted: bool


class _Scanner:
    """A recursive descent over the script. A method takes where to begin and the limit; it returns where it ended."""

    def __init__(self, script: str) -> None:
        self.script = script
        self.found = Scan()
        self.pending: list[_Document] = []

    def mark(self, quote: Quote) -> None:
        self.found.quotes.append(quote)

    # ------------------------------------------------------------------------------------ commands

    def code(self, at: int, limit: int, end: str) -> int:
        """Read commands up to ``end`` (")" of a substitution, "`", or "" for all)."""
        script = self.script
        word_start = command_start = True
        parens = cases = 0
        while at < limit:
            char = script[at]
            if char == end and not (char == ")" and (parens or cases)):
                return at + 1
            if char == "#" and word_start:
                at = self.comment(at, limit, end)
                continue
            if char == "\n":
                at = self.documents(at + 1, limit)
                word_start = command_start = True
                continue
            if script.startswith("\\\n", at):  # a continued line: as if it were not there
                at += 2
                continue
            if char in " \t\r":
                word_start, at = True, at + 1
                continue
            if char in ";&|()<>":
                if char == "(" and script.startswith("((", at) and command_start:
                    at = self.arithmetic(at + 2, limit, 2)
                    continue
                if char == "<" and script.startswith("<<", at):
                    at = self.redirection(at, limit)
                    continue
                # The ")" after a pattern of "case" closes nothing.
                parens = max(0, parens + (char == "(") - (char == ")"))
                word_start, command_start, at = True, char not in "<>", at + 1
                continue
            word = _WORD.match(script, at, limit) if word_start else None
            if word is not None:
                if command_start and word[0] in {"case", "esac"}:
                    cases = max(0, cases + (1 if word[0] == "case" else -1))
                command_start = command_start and word[0] in _BEFORE_COMMAND
                word_start, at = False, word.end()
                continue
            word_start = command_start = False
            at = self.piece(at, limit, Quote.NONE)
        return limit

    def comment(self, at: int, limit: int, end: str) -> int:
        """Read a comment up to the end of its line (or of the backquotes around it)."""
        stop = self.script.find("\n", at, limit)
        stop = limit if stop < 0 else stop
        if end == "`":
            closing = self.script.find("`", at, stop)
            stop = stop if closing < 0 else closing
        self.found.comments.append((at, stop))
        for _ in range(self.script.count(PLACEHOLDER, at, stop)):
            self.mark(Quote.COMMENT)
        return stop

    def piece(self, at: int, limit: int, quote: Quote) -> int:
        """Read one piece of a word outside quotes."""
        char = self.script[at]
        if char == PLACEHOLDER:
            self.mark(quote)
            return at + 1
        if char == "\\":
            return at + 2
        if char == "'":
            return self.single(at + 1, limit, Quote.SINGLE)
        if char == '"':
            return self.double(at + 1, limit)
        if char == "`":
            return self.backquote(at + 1, limit)
        if char == "$":
            return self.dollar(at, limit, quoted=False)
        plain = _PLAIN.match(self.script, at, limit)
        return plain.end() if plain else at + 1

    def backquote(self, at: int, limit: int) -> int:
        """Read `…` from after its opening quote."""
        before = len(self.found.quotes)
        at = self.code(at, limit, "`")
        self.override(before, Quote.BACKQUOTE)
        return at

    def override(self, since: int, quote: Quote) -> None:
        """Note that quotes have other rules around the placeholders found since ``since``."""
        inner = self.found.quotes[since:]
        self.found.quotes[since:] = [old if old is Quote.COMMENT else quote for old in inner]

    # -------------------------------------------------------------------------------------- quotes

    def single(self, at: int, limit: int, quote: Quote) -> int:
        """Read '…' or $'…' from after its opening quote."""
        while at < limit:
            char = self.script[at]
            if char == "'":
                return at + 1
            if char == PLACEHOLDER:
                self.mark(quote)
            at += 2 if char == "\\" and quote is Quote.ANSI else 1
        return limit

    def double(self, at: int, limit: int, quote: Quote = Quote.DOUBLE) -> int:
        """Read "…" from after its opening quote, or the body of a here-document up to the limit."""
        while at < limit:
            char = self.script[at]
            if char == '"' and quote is Quote.DOUBLE:
                return at + 1
            if char == PLACEHOLDER:
                self.mark(quote)
                at += 1
            elif char == "\\":
                at += 2
            elif char == "`":
                at = self.backquote(at + 1, limit)
            elif char == "$":
                at = self.dollar(at, limit, quoted=True)
            else:
                at += 1
        return limit

    def dollar(self, at: int, limit: int, *, quoted: bool) -> int:
        """Read what begins with a dollar sign."""
        script = self.script
        if script.startswith("$((", at):
            return self.arithmetic(at + 3, limit, 2)
        if script.startswith("$(", at):
            return self.code(at + 2, limit, ")")
        if script.startswith("${", at):
            return self.expansion(at + 2, limit, quoted=quoted)
        if not quoted and script.startswith("$'", at):
            return self.single(at + 2, limit, Quote.ANSI)
        if not quoted and script.startswith('$"', at):
            return self.double(at + 2, limit)
        # $#, $$, $? …: their second character means nothing else
        return at + 2 if script[at + 1 : at + 2] in set("#$?!*@-") else at + 1

    def expansion(self, at: int, limit: int, *, quoted: bool) -> int:
        """Read ${…} from after its bracket."""
        while at < limit:
            char = self.script[at]
            if char == "}":
                return at + 1
            at = self.nested(at, limit, Quote.EXPANSION, singles=not quoted)
        return limit

    def arithmetic(self, at: int, limit: int, parens: int) -> int:
        """Read $((…)) or ((…)) from after its brackets."""
        while at < limit and parens:
            char = self.script[at]
            if char in "()":
                parens += 1 if char == "(" else -1
                at += 1
            else:
                at = self.nested(at, limit, Quote.ARITHMETIC, singles=True)
        return at

    def nested(self, at: int, limit: int, quote: Quote, *, singles: bool) -> int:
        """Read one piece inside ${…} or arithmetic, where a value may stand only if it needs no quotes."""
        char = self.script[at]
        before = len(self.found.quotes)
        if char == "'" and not singles:
            return at + 1
        if char in "\0\\'\"`$":
            at = self.piece(at, limit, quote)
        else:
            at += 1
        if char in "'\"":
            self.override(before, quote)
        return at

    # ------------------------------------------------------------------------------ here-documents

    def redirection(self, at: int, limit: int) -> int:
        """Read ``<<`` or ``<<<``."""
        if self.script.startswith("<<<", at):
            return at + 3
        match = _DELIMITER.match(self.script, at, limit)
        if match is None:
            return at + 2
        word = match["word"]
        quoted = any(char in word for char in "'\"\\")
        delimiter = re.sub(r"\\(.)|['\"]", r"\1", word)
        self.pending.append(_Document(delimiter=delimiter, tabs=bool(match["tabs"]), quoted=quoted))
        return match.end()

    def documents(self, at: int, limit: int) -> int:
        """Read the here-documents that begin on this line."""
        waiting, self.pending = self.pending, []
        for document in waiting:
            end, after = self.find_end(document, at, limit)
            self.found.documents.append((at, after))
            if document.quoted:
                for _ in range(self.script.count(PLACEHOLDER, at, end)):
                    self.mark(Quote.LITERAL_DOCUMENT)
            else:
                self.double(at, end, Quote.DOCUMENT)
            at = after
        return at

    def find_end(self, document: _Document, at: int, limit: int) -> tuple[int, int]:
        """Return where the body ends and where the line after its delimiter begins."""
        start = at
        while start < limit:
            newline = self.script.find("\n", start, limit)
            stop = limit if newline < 0 else newline
            line = self.script[start:stop]
            if (line.lstrip("\t") if document.tabs else line) == document.delimiter:
                return start, min(stop + 1, limit)
            start = stop + 1
        return limit, limit
