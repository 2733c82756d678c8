"""What a roofline's picture shows: what lies on one place, what it is called together, and the limits around it."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Iterable, Sequence
from itertools import takewhile
from string import digits
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from accelsim.report.text import PREFIXES, plain_number, scaled
from accelsim.studies.roofline import LayerPoint, Roofline

if TYPE_CHECKING:
    import numpy as np

Thing = TypeVar("Thing")
_SAME = 1e-3  # relative; two lines nearer than that are one
BUFFER = " SRAM"
SHAPES = {"conv2d": "o", "depthwise": "^", "grouped": "s", "linear": "D", "matmul": "P"}
OTHER_SHAPE = "X"
AREA = 1500.0  # square points of a layer that takes all the time
LEAST_SHARE = 0.01  # of the time: what takes less is drawn as large
LEAST_DECADES = 2.0
ROW_SHARE = 0.031  # of the axes' height, that a line of text takes
PAD_SHARE = 0.015  # of the axes' height, below and above a text
CHARACTER_SHARE = 0.0098  # of the axes' width
_ROUNDS = 8


def _scaled(value: float, unit: str) -> str:
    number, prefixed = scaled(value, unit).split()
    return f"{plain_number(number)} {prefixed}"


class TiedRoof(NamedTuple):
    """Roofs of one height."""

    macs_per_s: float
    names: tuple[str, ...]
    used: bool  #: by a layer

    @property
    def label(self) -> str:
        """Names and height."""
        precisions: dict[str, list[str]] = {}
        for name in self.names:
            precision, _, pattern = name.rpartition(" ") if ":" in name else (name, "", "")
            precisions.setdefault(pattern, []).append(precision)
        together = [f"{'/'.join(names)} {pattern}".strip() for pattern, names in precisions.items()]
        return f"{', '.join(together)}: {_scaled(self.macs_per_s, 'MAC/s')}"


class TiedLevel(NamedTuple):
    """Memories of one bandwidth."""

    bytes_per_s: float
    name: str

    @property
    def label(self) -> str:
        """Name and bandwidth."""
        return f"{self.name} {_scaled(self.bytes_per_s, 'B/s')}"


class Stack(NamedTuple):
    """Layers that lie on one place and look alike."""

    points: tuple[LayerPoint, ...]

    @property
    def share(self) -> float:
        """Of the network's cycles, together."""
        return sum(point.share for point in self.points)

    @property
    def name(self) -> str:
        """The layer's name, or what their names have in common, with how many they are."""
        names = [point.layer for point in self.points]
        if len(names) == 1:
            return names[0]
        first = _shared(names).rstrip(digits)
        last = _shared([name[len(first) :][::-1] for name in names])[::-1].lstrip(digits)
        what = f"{first}…{last}" if first or last else f"{names[0]}…"
        return f"{what} x{len(names)}"


def stacks(points: Iterable[LayerPoint]) -> list[Stack]:
    """Points by place, kind and bound, those with most of the time first."""
    found = _tied(points, lambda point: (point.macs_per_byte, point.macs_per_s, point.kind, point.bound))
    return sorted(map(Stack, found), key=lambda stack: -stack.share)


def tied_roofs(line: Roofline) -> list[TiedRoof]:
    """Roofs by height, highest first; of a height the used ones are named first."""
    return [
        TiedRoof(roofs[0].macs_per_s, tuple(roof.name for roof in roofs), any(roof.used for roof in roofs))
        for roofs in _near(line.roofs, lambda roof: roof.macs_per_s)
    ]


def tied_levels(line: Roofline) -> list[TiedLevel]:
    """Memories by bandwidth, the DRAM first and by itself."""
    tied = [TiedLevel(line.dram.bytes_per_s, line.dram.name)]
    for levels in _near(sorted(line.levels[1:], key=lambda level: -level.bytes_per_s), lambda level: level.bytes_per_s):
        names = ", ".join(level.name.removesuffix(BUFFER) for level in levels)
        tied.append(TiedLevel(levels[0].bytes_per_s, f"{names}{BUFFER}" if names != BUFFER.strip() else names))
    return tied


def _shared(texts: Sequence[str]) -> str:
    """What all of them begin with."""
    same = takewhile(lambda letters: len(set(letters)) == 1, zip(*texts, strict=False))
    return "".join(letters[0] for letters in same)


def _tied(things: Iterable[Thing], key: Callable[[Thing], Hashable]) -> list[tuple[Thing, ...]]:
    found: dict[Hashable, list[Thing]] = {}
    for thing in things:
        found.setdefault(key(thing), []).append(thing)
    return [tuple(group) for group in found.values()]


def _near(things: Sequence[Thing], value: Callable[[Thing], float]) -> list[list[Thing]]:
    """Neighbours of nearly one value together; things come from the greatest down."""
    found: list[list[Thing]] = []
    for thing in things:
        if found and value(found[-1][0]) <= value(thing) * (1 + _SAME):
            found[-1].append(thing)
        else:
            found.append([thing])
    return found


class Scene(NamedTuple):
    """What is drawn, in MACs a second of a unit with a prefix."""

    roofs: list[TiedRoof]
    levels: list[TiedLevel]
    stacks: list[Stack]
    factor: float  #: MACs a second of the unit
    prefix: str
    left: float  #: limits, in MACs per byte and the unit
    right: float
    bottom: float
    top: float

    def height(self, macs_per_s: float) -> float:
        """In the unit."""
        return macs_per_s / self.factor

    @property
    def highest(self) -> float:
        """The highest roof, in the unit."""
        return self.height(self.roofs[0].macs_per_s)


def scene_of(line: Roofline) -> Scene:
    """Everything drawn, and limits that leave room for it."""
    roofs, levels = tied_roofs(line), tied_levels(line)
    factor, prefix = next(p for p in PREFIXES if roofs[0].macs_per_s >= p[0])
    used = [roof.macs_per_s for roof in roofs if roof.used] or [roofs[0].macs_per_s]
    highest = roofs[0].macs_per_s / factor
    bottom = min([*(point.macs_per_s / 2.5 for point in line.points), *used]) / factor
    bottom = min(bottom, highest / 10**LEAST_DECADES)
    left, right = _sides(line, roofs, levels, row=(highest / bottom) ** ROW_SHARE)
    scene = Scene(roofs, levels, stacks(line.points), factor, prefix, left, right, bottom, highest)
    for rows in range(1, len(roofs) + 1):
        room = rows * ROW_SHARE + 2 * PAD_SHARE
        scene = scene._replace(top=highest * (highest / bottom) ** (room / (1 - room)))
        if len(blocks(scene)[0]) <= rows:
            break
    return scene


def _sides(line: Roofline, roofs: list[TiedRoof], levels: list[TiedLevel], row: float) -> tuple[float, float]:
    """Least and greatest intensity: roofs' labels lie right of ridge and points, the buffers' along their diagonals.

    row is the factor of throughput that a line of text spans.
    """
    places = [point.macs_per_byte for point in line.points]
    beyond = [roof.macs_per_s * (1 if roof is roofs[0] else row**1.3) / line.dram.bytes_per_s for roof in roofs]
    starts = [max(ridge, *_beside(roof, line)) for ridge, roof in zip(beyond, roofs, strict=True)]
    ends = [roofs[0].macs_per_s / level.bytes_per_s for level in levels]
    in_use = next((roof for roof in roofs if roof.used), roofs[0])
    least = min([*places, in_use.macs_per_s / max(level.bytes_per_s for level in levels)]) / 2
    most = max([*places, *starts]) * 2
    left, right = least, most
    for _ in range(_ROUNDS):  # each side's room is a share of the whole
        whole = right / left
        right = max(most, *(at * whole ** _room(roof.label) for at, roof in zip(starts, roofs, strict=True)))
        left = min(least, *(at / whole ** _room(level.label) for at, level in zip(ends, levels, strict=True)))
    return left, right


def _beside(roof: TiedRoof, line: Roofline) -> list[float]:
    """Intensities of points whose markers may reach the roof's label."""
    return [0.0] + [p.macs_per_byte for p in line.points if roof.macs_per_s / 2 < p.macs_per_s < roof.macs_per_s * 2]


def _room(label: str) -> float:
    """Share of the axes' width that a label takes."""
    return min(0.45, CHARACTER_SHARE * len(label) + 0.055)


def blocks(scene: Scene) -> list[list[TiedRoof]]:
    """Roofs whose labels stand together since their lines are too close, the highest first, as all within a block."""
    whole = math.log(scene.top / scene.bottom)
    found: list[list[TiedRoof]] = []
    for roof in reversed(scene.roofs):
        block = [roof]
        while found and _apart(block[-1], found[-1][0], whole) < ROW_SHARE * len(found[-1]) + PAD_SHARE:
            block += found.pop()
        found.append(block)
    return found[::-1]


def _apart(upper: TiedRoof, lower: TiedRoof, whole: float) -> float:
    return math.log(upper.macs_per_s / lower.macs_per_s) / whole


def ridges(scene: Scene) -> list[tuple[TiedLevel, TiedRoof]]:
    """The DRAM's with every roof, the buffers' with the highest that is used."""
    in_use = next((roof for roof in scene.roofs if roof.used), scene.roofs[0])
    return [(scene.levels[0], roof) for roof in scene.roofs] + [(level, in_use) for level in scene.levels[1:]]


def marker_size(kind: str, share: float) -> float:
    """matplotlib's size, the square of a width, of a marker whose area tells the share."""
    (x, y), (next_x, next_y) = _outline(kind)[:-1].T, _outline(kind)[1:].T
    area = abs(float((x * next_y - next_x * y).sum())) / 2
    return AREA * max(share, LEAST_SHARE) / area


def radius(stack: Stack) -> float:
    """How far a stack's outline reaches, in points."""
    kind = stack.points[0].kind
    return math.sqrt(marker_size(kind, stack.share)) * float(abs(_outline(kind)).max())


def _outline(kind: str) -> np.ndarray:
    """Corners of a marker of size 1, the first again at the end."""
    import numpy as np
    from matplotlib.markers import MarkerStyle

    marker = MarkerStyle(SHAPES.get(kind, OTHER_SHAPE))
    return np.asarray(marker.get_path().transformed(marker.get_transform()).to_polygons()[0])
