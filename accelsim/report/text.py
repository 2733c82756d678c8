"""Figures, tables and paragraphs as plain text, for a terminal of any width."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

LEAST_WIDTH = 40  # a narrower terminal counts as this wide
SHORTEST = 8  # characters that a shortened text keeps
PREFIXES = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"), (1, ""), (1e-3, "m"), (1e-6, "u"), (1e-9, "n"))


def figure(value: float, digits: int = 3) -> str:
    """A value with so many digits that matter, thousands apart, and never an exponent."""
    if not value:
        return "0"
    rounded = float(f"{value:.{digits}g}")
    return f"{rounded:,.{max(0, digits - 1 - math.floor(math.log10(abs(rounded))))}f}"


def scaled(value: float, unit: str) -> str:
    """A figure with three digits and the prefix that suits it; value is in the plain unit."""
    rounded = float(f"{value:.3g}")
    factor, prefix = next((p for p in PREFIXES if abs(rounded) >= p[0]), (1e-12, "p"))
    return f"{figure(rounded / factor if rounded else 0)} {prefix if rounded else ''}{unit}"


def plain_number(number: str) -> str:
    """A number without zeros at its end that say nothing."""
    return number.rstrip("0").rstrip(".") if "." in number else number


def kib(nbytes: int) -> str:
    """Bytes as KiB or MiB, whole ones as whole numbers."""
    size, unit = (nbytes / 2**20, "MiB") if nbytes >= 2**20 else (nbytes / 2**10, "KiB")
    return f"{size:,.0f} {unit}" if size == int(size) else f"{figure(size, 4)} {unit}"


def percent(share: float) -> str:
    """A share in percent; small ones keep a digit."""
    return f"{share:.1%}" if share < 0.0995 else f"{share:.0%}"


def text_width(options: ConsoleOptions) -> int:
    """Characters a line."""
    return max(LEAST_WIDTH, options.max_width)


def _line(text: str, style: str = "") -> Text:
    """A line that is neither wrapped nor cut."""
    return Text(text.rstrip(), style=style, no_wrap=True, overflow="ignore")


@dataclass(frozen=True)
class Paragraph:
    """Text that wraps between words; lines after the first are set in by ``hanging`` characters."""

    text: str
    hanging: int = 0
    style: str = ""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        indent = " " * self.hanging
        lines = textwrap.wrap(
            self.text, text_width(options), subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
        )
        yield from (_line(line, self.style) for line in lines or [""])


@dataclass(frozen=True)
class Grid:
    """A table that suits the width: columns come closer, go or are shortened until it fits, but no number is cut.

    The columns of ``drop`` go first, in this order; then the text of ``shorten`` loses its middle, with ``cut_end``
    its end. What does not fit even so is wider than asked: print it with ``crop=False``. ``legend`` says, in a
    paragraph below, what those columns mean that are there.
    """

    headings: Sequence[str]
    rows: Sequence[Sequence[str]]
    left: Collection[str]  #: flush left; numbers are flush right
    drop: Sequence[str] = ()
    shorten: str = ""
    cut_end: bool = False
    legend: Mapping[str, str] = field(default_factory=dict)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        columns = {heading: [row[index] for row in self.rows] for index, heading in enumerate(self.headings)}
        gap = self._fit(columns, text_width(options), "..." if options.ascii_only else "…")
        widths = {heading: _widest(heading, cells) for heading, cells in columns.items()}
        yield _line(self._joined(list(columns), widths, gap), "bold")
        yield _line(("-" if options.ascii_only else "─") * (sum(widths.values()) + gap * (len(widths) - 1)))
        yield from (_line(self._joined(cells, widths, gap)) for cells in zip(*columns.values(), strict=True))
        meanings = [f"{heading}: {meaning}" for heading, meaning in self.legend.items() if heading in columns]
        if meanings:
            yield Paragraph("; ".join(meanings), style="dim")

    def _fit(self, columns: dict[str, list[str]], room: int, ellipsis: str) -> int:
        """Drop and shorten columns until they fit; gives the gap between them."""

        def excess(gap: int) -> int:
            return sum(_widest(*column) for column in columns.items()) + gap * (len(columns) - 1) - room

        for heading in self.drop:
            if excess(gap=1) > 0:
                del columns[heading]
        if excess(gap=1) > 0 and self.shorten:
            cells = columns[self.shorten]
            most = max(SHORTEST, len(self.shorten), _widest(self.shorten, cells) - excess(gap=1))
            columns[self.shorten] = [_shortened(cell, most, ellipsis, self.cut_end) for cell in cells]
        return 2 if excess(gap=2) <= 0 else 1

    def _joined(self, cells: Iterable[str], widths: Mapping[str, int], gap: int) -> str:
        padded = (
            cell.ljust(width) if heading in self.left else cell.rjust(width)
            for cell, (heading, width) in zip(cells, widths.items(), strict=True)
        )
        return (" " * gap).join(padded)


def _widest(heading: str, cells: Sequence[str]) -> int:
    return max(len(heading), *map(len, cells)) if cells else len(heading)


def _shortened(text: str, most: int, ellipsis: str, cut_end: bool) -> str:
    if len(text) <= most:
        return text
    kept = most - len(ellipsis)
    tail = 0 if cut_end else kept // 2
    return text[: kept - tail] + ellipsis + text[len(text) - tail :]


def as_text(values: Iterable[Any]) -> list[str]:
    """Text as it is, whole numbers with their thousands apart."""
    return [value if isinstance(value, str) else f"{value:,}" for value in values]


@dataclass(frozen=True)
class Facts:
    """Lines of name, value and a remark, which wraps in its own column or, where that is narrow, below."""

    rows: Sequence[tuple[str, str, str]]
    least: int = 28  #: characters for the remark

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        room = text_width(options)
        first, second = (max((len(row[i]) for row in self.rows), default=0) for i in (0, 1))
        left = first + second + 4
        for name, value, remark in self.rows:
            head = f"{name.ljust(first)}  {value.ljust(second)}  "
            if room - left >= self.least:
                yield from self._beside(head, remark, room - left)
            else:
                yield _line(head)
                yield from (_line(f"    {line}") for line in _wrapped(remark, room - 4))

    def _beside(self, head: str, remark: str, room: int) -> Iterator[Text]:
        for index, line in enumerate(_wrapped(remark, room) or [""]):
            yield _line((" " * len(head) if index else head) + line)


def _wrapped(text: str, room: int) -> list[str]:
    return textwrap.wrap(text, room, break_long_words=False, break_on_hyphens=False)


@dataclass(frozen=True)
class SideBySide:
    """Two blocks of lines, or one below the other where both do not fit."""

    left: Sequence[str]
    right: Sequence[str]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        first, second = (max(map(len, block), default=0) for block in (self.left, self.right))
        spare = text_width(options) - first - second
        if spare < 2:
            yield from map(_line, (*self.left, *self.right))
            return
        for index in range(max(len(self.left), len(self.right))):
            a, b = (block[index] if index < len(block) else "" for block in (self.left, self.right))
            yield _line(a.ljust(first + min(4, spare)) + b)
