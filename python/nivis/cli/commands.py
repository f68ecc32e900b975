"""The table of commands: section, name, an example and what the example does.

``nivis --help`` is written from it, so that no command has to be imported before it runs.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Entry:
    """One command; ``nivis.cli.NAME`` holds it as ``command``."""

    section: str
    name: str
    example: str
    summary: str


COMMANDS = (
    Entry("Start", "init", "nivis init my-project", "start a project, or adopt the one that is there"),
    Entry("Start", "new", "nivis new penguins", "start an experiment: a folder with a manifest"),
    Entry("Start", "doctor", "nivis doctor", "say what this machine lacks, and what mends it"),
    Entry("Work", "lock", "nivis lock", "pin toolchain, Python packages and data by hash"),
    Entry("Work", "build", "nivis build penguins", "build what is out of date, link the results"),
    Entry("Work", "status", "nivis status", "show what is built, stale or missing"),
    Entry("Work", "why", "nivis why penguins.train", "say what changed that makes a step run again"),
    Entry("Work", "dag", "nivis dag penguins", "draw data, steps and results as a graph"),
    Entry("Work", "log", "nivis log penguins.train", "show what a step printed when it was built"),
    Entry("Work", "shell", "nivis shell penguins.train", "enter an environment, or the one of a step"),
    Entry("More", "freeze", "nivis freeze penguins.fit", "keep a step's output, whatever changes"),
    Entry("More", "unfreeze", "nivis unfreeze penguins.fit", "let its recipe make it again"),
    Entry("More", "completion", "nivis completion bash", "print the completion script of a shell"),
)
