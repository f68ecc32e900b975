"""The ``nivis`` command, and the one place where errors become messages.

Exit status: 0 done, 1 a step or check failed, 2 wrong usage or manifest, 3 something outside failed
(network, Nix, disk; also a bug), 130 interrupted, 141 the reader of the output went away.

With ``--json`` an error is, beside the sentence on standard error, this document on standard output:
``{"error": {"where": "…", "what": "…", "hint": "…"}}``, with ``"lines"`` where a log is quoted; several independent
ones stand in ``{"error": {…}, "problems": [{…}, …]}``, ``error`` being the first.
"""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Sequence

import click

from nivis import __version__
from nivis.cli.command import HELP_OPTIONS, LazyGroup, global_options
from nivis.cli.message import error_document, error_text, from_click
from nivis.cli.session import Session
from nivis.errors import HostError, NivisError

INTERRUPTED = 130  # 128 + SIGINT
BROKEN_PIPE = 141  # 128 + SIGPIPE
COMPLETION_VARIABLE = "_NIVIS_COMPLETE"

nivis = LazyGroup(
    "nivis",
    help="Reproducible data-science experiments: every step pinned by hash, rebuilt with one command.",
    epilog="'nivis COMMAND --help' says more.",
    params=[
        *global_options(hidden=False),
        click.Option(
            ["--version"],
            is_flag=True,
            expose_value=False,
            is_eager=True,
            help="Print the version.",
            callback=lambda context, _, value: _print_version(context) if value else None,
        ),
    ],
    context_settings=HELP_OPTIONS,
    subcommand_metavar="COMMAND …",
    no_args_is_help=True,
)


def main() -> int:
    """Run the command line of this process; the entry point."""
    instruction = os.environ.get(COMPLETION_VARIABLE)
    if instruction:
        # loaded only while a shell asks for completions
        from click.shell_completion import shell_complete

        return shell_complete(nivis, {"obj": Session()}, "nivis", COMPLETION_VARIABLE, instruction)
    return run(sys.argv[1:], Session())


def run(arguments: Sequence[str], session: Session) -> int:
    """Run a command line and return its exit status; every error has been told by then."""
    try:
        return _invoke(arguments, session)
    except NivisError as error:
        return _tell(error, arguments, session)
    except click.exceptions.NoArgsIsHelpError as error:
        session.say(error.format_message())
        return 2
    except click.ClickException as error:
        return _tell(from_click(error), arguments, session)
    except (KeyboardInterrupt, click.Abort):
        print("\ninterrupted; run the same command again to go on", file=session.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        _silence_stdout()
        return BROKEN_PIPE
    except OSError as error:
        outside = _from_outside(error)
        return _tell(outside, arguments, session) if outside else _report_bug(error, session)
    except Exception as error:
        return _report_bug(error, session)


def _invoke(arguments: Sequence[str], session: Session) -> int:
    try:
        with nivis.make_context("nivis", list(arguments), obj=session) as context:
            status = nivis.invoke(context)
            session.stdout.flush()
    except click.exceptions.Exit as done:
        return done.exit_code
    return status if isinstance(status, int) else 0


def _print_version(context: click.Context) -> None:
    click.echo(f"nivis {__version__}")
    context.exit()


def _tell(error: NivisError, arguments: Sequence[str], session: Session) -> int:
    """Say what is wrong; under ``--debug`` also where in the program it was found."""
    if session.debug:
        _print_traceback(error, session)
    width = os.get_terminal_size(session.stderr.fileno()).columns if session.stderr.isatty() else None
    click.echo(error_text(error, width=width), file=session.stderr)
    if session.json or "--json" in arguments:  # wrong usage is found before the option is read
        session.answer(error_document(error))
    return error.exit_code


def _report_bug(error: Exception, session: Session) -> int:
    if session.debug:
        _print_traceback(error, session)
        move = "Please report it with the traceback above and the command that you ran."
    else:
        move = "Run the command again with --debug and report what it prints."
    bug = HostError(f"this is a bug in nivis ({type(error).__name__}: {error})", hint=move)
    return _tell(bug, (), Session(stdout=session.stdout, stderr=session.stderr, json=session.json))


def _print_traceback(error: Exception, session: Session) -> None:
    import traceback  # costs a fifth of the start-up time, and is rarely needed

    traceback.print_exception(error, file=session.stderr)


def _from_outside(error: OSError) -> NivisError | None:
    """Return the message for what any write may meet; None if it is for us to mend."""
    place = str(error.filename or "")
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return HostError("the disk is full", where=place, hint="Free some space, then run the same command again.")
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return HostError(
            "may not be read or written here", where=place, hint="Check who owns it and what it is mounted from."
        )
    return None


def _silence_stdout() -> None:
    """Point standard output nowhere, so that the interpreter does not complain when it exits."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


if __name__ == "__main__":
    sys.exit(main())
