"""The entry point: errors become one line and an exit status."""

from __future__ import annotations

import os
import sys

import typer

from accelsim.cli.app import app


def run_command_line() -> None:
    """Entry point: a user's mistake is one line and exit status 2, a failed run 1, Ctrl-C 130; never a traceback."""
    if sys.stdout is None:  # closed by the caller
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
    try:
        code = app(standalone_mode=False)
    except (KeyboardInterrupt, typer.Abort):
        code = 130
    except BrokenPipeError:  # the reader, such as head, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    except Exception as error:
        code = _failed(error)
    sys.exit(code if isinstance(code, int) else 0)


def _failed(error: Exception) -> int:
    from accelsim.config import UserError

    if isinstance(error, UserError):
        return _told(" ".join(str(error).split()), 2)
    if hasattr(error, "format_message"):  # a usage error, of click or of the click that typer carries
        return _told(_usage(" ".join(error.format_message().split())), 2)
    if os.environ.get("ACCELSIM_DEBUG"):
        raise error
    if isinstance(error, OSError) and error.filename:
        return _told(f"{error.filename}: {(error.strerror or str(error)).lower()}", 1)
    if isinstance(error, MemoryError):
        return _told("not enough memory for this run", 1)
    what = f"{type(error).__name__}: {error}"
    return _told(f"failed: {' '.join(what.split())} (a traceback: ACCELSIM_DEBUG=1)", 1)


def _usage(message: str) -> str:
    """A usage error; a command that does not exist gets the nearest one."""
    from accelsim.config import suggest

    message = message.replace("Value error, ", "")
    if not message.startswith("No such command '"):
        return message
    word = message.split("'")[1]
    return f"no command called '{word}'{suggest(word, commands())}"


def commands() -> list[str]:
    """Names of all commands."""
    return [str(command.name) for command in app.registered_commands]


def _told(line: str, code: int) -> int:
    sys.stderr.write(f"accelsim: {line}\n")
    return code
