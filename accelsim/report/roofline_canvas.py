"""Text in a figure where nothing else is."""

from __future__ import annotations

import math
from collections.abc import Iterable
from itertools import product
from typing import TYPE_CHECKING, Any, NamedTuple

from accelsim.report.figures import SMALL

if TYPE_CHECKING:
    from matplotlib.axes import Axes

POINTS_PER_INCH = 72
GAPS = (2, 7, 14, 22, 32, 44, 58, 74)  # points between a marker and its label, nearest first
SIDES = (
    (1, 0),
    (-1, 0),
    (0, 1),
    (0, -1),
    (1, 1),
    (-1, 1),
    (1, -1),
    (-1, -1),
    (1, 0.5),
    (-1, 0.5),
    (1, -0.5),
    (-1, -0.5),
)
LED = 6  # a label farther away gets a line to its marker
MARGINS = (3, 1.5)  # points beside and above a text
NEAR = 9  # points from a marker, within which lines to it may meet


class Box(NamedTuple):
    """A rectangle, in points from the figure's lower left corner."""

    left: float
    bottom: float
    right: float
    top: float

    def meets(self, other: Box) -> bool:
        """Whether they overlap."""
        across = self.left < other.right and other.left < self.right
        return across and self.bottom < other.top and other.bottom < self.top

    def inside(self, other: Box) -> bool:
        """Whether the other holds it."""
        across = other.left <= self.left and self.right <= other.right
        return across and other.bottom <= self.bottom and self.top <= other.top


class Canvas:
    """An axes with what is taken of it; its limits must not change any more."""

    def __init__(self, axes: Axes) -> None:
        from matplotlib.backends.backend_agg import FigureCanvasAgg

        self.axes = axes
        self.scale = POINTS_PER_INCH / axes.figure.dpi
        canvas: Any = FigureCanvasAgg(axes.get_figure(root=True))
        self.renderer = canvas.get_renderer()
        self.frame = self._box(axes.get_window_extent())
        self.taken: list[Box] = []
        self.lines: list[Box] = []  # which a text with a halo may cross
        self.markers: list[Box] = []  # of these
        self.texts: list[Box] = []  # of these, what no line may cross

    def _box(self, pixels: Any) -> Box:
        return Box(*(float(side) * self.scale for side in pixels.extents))

    def at(self, x: float, y: float) -> tuple[float, float]:
        """Points from the figure's corner, of a place in data."""
        across, up = self.axes.transData.transform((x, y))
        return float(across) * self.scale, float(up) * self.scale

    def free(self, box: Box, crossing: bool = False) -> bool:
        """Whether a text may stand there; crossing: on lines as well."""
        taken = self.taken if crossing else self.taken + self.lines
        return box.inside(self.frame) and not any(box.meets(other) for other in taken)

    def mark(self, box: Box) -> None:
        """Keep texts away from a marker, and lines to markers apart from it."""
        self.markers.append(box)
        self.taken.append(box)

    def write_over(self, boxes: Iterable[Box]) -> None:
        """Keep texts away from there, and lines to markers as well."""
        boxes = list(boxes)
        self.texts.extend(boxes)
        self.taken.extend(boxes)

    def box_of(self, text: Any) -> Box:
        """Where a text stands."""
        box = self._box(text.get_window_extent(self.renderer))
        across, up = MARGINS
        return Box(box.left - across, box.bottom - up, box.right + across, box.top + up)

    def size(self, words: str) -> tuple[float, float]:
        """Width and height of a text, margins included."""
        text = self.axes.text(0, 0, words, fontsize=SMALL, transform=None)
        box = self.box_of(text)
        text.remove()
        return box.right - box.left, box.top - box.bottom

    def first_free(self, texts: Iterable[Any]) -> bool:
        """Keep the first text that stands free, and take its place; the others go. False where none does."""
        for text in texts:
            box = self.box_of(text)
            if self.free(box):
                self.write_over([box])
                return True
            text.remove()
        return False

    def name(self, x: float, y: float, words: str, radius: float, crowded: bool, **look: Any) -> bool:
        """Write words beside a marker at x, y, as near to it as is free; False where nothing is.

        A line leads from far words to their marker, and from near ones too where it is crowded.
        """
        here = self.at(x, y)
        width, height = self.size(words)
        own = Box(here[0] - radius, here[1] - radius, here[0] + radius, here[1] + radius)
        barred = self.texts + [marker for marker in self.markers if not marker.meets(own)]
        for gap, (across, up) in product(GAPS, SIDES):
            reach = radius + gap
            dx, dy = across * (reach + width / 2), up * (reach + height / 2)
            box = Box(
                here[0] + dx - width / 2, here[1] + dy - height / 2, here[0] + dx + width / 2, here[1] + dy + height / 2
            )
            led = crowded or gap >= LED
            line = self._line((here[0] + dx, here[1] + dy), here) if led else []
            beyond = [piece for piece in line if math.dist(piece[:2], here) > max(NEAR, radius)]
            if self.free(box) and not any(piece.meets(other) for piece in beyond for other in barred):
                self.write_over([box, *beyond])
                self._write(x, y, words, (dx, dy), led, look)
                return True
        return False

    @staticmethod
    def _line(start: tuple[float, float], end: tuple[float, float]) -> list[Box]:
        """Small boxes along a line."""
        pieces = max(1, round(math.dist(start, end)))
        places = [[a + (b - a) * i / pieces for a, b in zip(start, end, strict=True)] for i in range(pieces + 1)]
        return [Box(x - 2, y - 2, x + 2, y + 2) for x, y in places]

    def _write(self, x: float, y: float, words: str, offset: tuple[float, float], led: bool, look: Any) -> None:
        line = {"arrowstyle": "-", "linewidth": 0.5, "color": "#444444", "shrinkA": 1, "shrinkB": 0}
        self.axes.annotate(
            words,
            (x, y),
            offset,
            textcoords="offset points",
            ha="center",
            va="center",
            fontsize=SMALL,
            zorder=9,
            arrowprops=line if led else None,
            **look,
        )
