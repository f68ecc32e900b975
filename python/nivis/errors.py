"""The one family of exceptions that users see.

An error says where, what is wrong and the next move, in one sentence each:
``experiment.toml: steps.train.run: no step named 'prepre'. Did you mean 'prepare'?``
The exit status follows who must act (1 a step or check failed, 2 usage or manifest,
3 something outside failed). Anything else that escapes is a bug.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from difflib import get_close_matches


class NivisError(Exception):
    """A problem with a place, a description and a next move."""

    exit_code = 3

    def __init__(self, what: str, *, where: str = "", hint: str = "", lines: Sequence[str] = ()) -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.hint = hint
        self.lines = tuple(lines)  # of a log, quoted between the sentence and the next move

    def __str__(self) -> str:
        place = f"{self.where}: " if self.where else ""
        if self.lines:
            return "\n".join([f"{place}{self.what}:", *(f"    {line}" for line in self.lines), f"  {self.hint}"])
        move = f" {self.hint}" if self.hint else ""
        return f"{place}{self.what}.{move}"

    def parts(self) -> Sequence[NivisError]:
        """Return the independent problems this error stands for (itself, unless collected)."""
        return (self,)


class ManifestError(NivisError):
    """A file of the project says something that cannot be meant."""

    exit_code = 2


class UsageError(NivisError):
    """The command line asks for something that does not exist."""

    exit_code = 2


class LockError(NivisError):
    """The lock does not fit the project, or cannot be made from it."""

    exit_code = 2


class StepError(NivisError):
    """A step of the pipeline failed."""

    exit_code = 1
    log: Sequence[str] = ()  # more of its log than is quoted
    folder = ""  # where its files are, as it left them


class NetworkError(NivisError):
    """Something could not be downloaded, or is not what was promised."""


class HostError(NivisError):
    """The machine lacks something: Nix, disk, permission."""


class Problems(NivisError):
    """Independent problems, found together and reported together."""

    def __init__(self, problems: Iterable[NivisError]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(p.what for p in self.problems))
        self.exit_code = max(p.exit_code for p in self.problems)

    def __str__(self) -> str:
        return "\n".join(str(p) for p in self.problems)

    def parts(self) -> Sequence[NivisError]:
        """Return the collected problems."""
        return self.problems


def raise_all(problems: Iterable[NivisError]) -> None:
    """Raise what was collected: nothing, the one problem, or all of them together; what is said twice only once."""
    problems = list({str(problem): problem for problem in problems}.values())
    if len(problems) == 1:
        raise problems[0]
    if problems:
        raise Problems(problems)


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return a hint that names the nearest known word, else all of them."""
    names = sorted(known)
    near = get_close_matches(word, names, n=1, cutoff=0.6)
    if near:
        return f"Did you mean '{near[0]}'?"
    return f"Known: {', '.join(names)}." if names else ""
