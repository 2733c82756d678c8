"""``python -m accelsim`` and the ``accelsim`` command: the command line, which Ctrl-C ends quietly even as it loads."""

import sys


def main() -> None:
    """Entry point."""
    try:
        from accelsim.cli import run_command_line as run

        run()
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
