"""What a person reads where something is wrong, and what is printed."""

from io import StringIO

import pytest
from rich.console import Console

from accelsim.config import UserError


def one_line(error):
    """The message of an error, which is one line that any terminal can print."""
    message = str(error)
    assert message.splitlines() == [message]
    assert message.encode()
    return message


def refusal(function, *arguments, **options):
    """The message with which a call is refused."""
    with pytest.raises(UserError) as raised:
        function(*arguments, **options)
    return one_line(raised.value)


def printed(report, width):
    """Lines of a report on a terminal of a width."""
    out = StringIO()
    Console(file=out, width=width, highlight=False).print(report, crop=False)
    return out.getvalue().splitlines()
