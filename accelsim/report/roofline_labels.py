"""The words in a roofline's picture, each where nothing else is."""

from __future__ import annotations

import math
from itertools import product
from typing import Any

from accelsim.report.figures import INK, SMALL
from accelsim.report.roofline_canvas import Box, Canvas
from accelsim.report.roofline_scene import Scene, TiedLevel, blocks, radius, ridges
from accelsim.report.text import figure, plain_number

NAMED = 7  # layers, or stacks of layers, at most
LEAST_NAMED = 0.02  # of the time
PLACES = 40  # along a diagonal, that are tried
RIDGE_PLACES: Any = (
    (-4, 3, "right", "bottom"),
    (5, -3, "left", "top"),
    (-5, -3, "right", "top"),
    (4, 3, "left", "bottom"),
)


def write_labels(canvas: Canvas, scene: Scene) -> None:
    """Roofs first, then diagonals, ridge points, and the layers that take most of the time."""
    _keep_off(canvas, scene)
    _label_roofs(canvas, scene)
    _label_levels(canvas, scene)
    _label_ridges(canvas, scene)
    _name_layers(canvas, scene)


def _keep_off(canvas: Canvas, scene: Scene) -> None:
    """Texts stand off markers and lines."""
    for stack in scene.stacks:
        point, r = stack.points[0], radius(stack)
        x, y = canvas.at(point.macs_per_byte, scene.height(point.macs_per_s))
        canvas.mark(Box(x - r, y - r, x + r, y + r))
    fastest = max(level.bytes_per_s for level in scene.levels)
    for roof in scene.roofs:
        x, y = canvas.at(roof.macs_per_s / fastest, scene.height(roof.macs_per_s))
        canvas.lines.append(Box(x, y - 0.5, canvas.frame.right, y + 0.5))
    for level in scene.levels:
        x0, y0 = canvas.at(scene.bottom * scene.factor / level.bytes_per_s, scene.bottom)
        x1, y1 = canvas.at(scene.highest * scene.factor / level.bytes_per_s, scene.highest)
        pieces = int(y1 - y0) + 1
        steps = [(x0 + (x1 - x0) * i / pieces, y0 + (y1 - y0) * i / pieces) for i in range(pieces)]
        canvas.lines += [Box(x - 0.7, y - 0.7, x + 0.7, y + 0.7) for x, y in steps]


def _label_roofs(canvas: Canvas, scene: Scene) -> None:
    """At the right, above their lines; where lines lie too close, their labels stand together above the upper one."""
    for block in blocks(scene):
        words = "\n".join(roof.label for roof in block)
        text = canvas.axes.annotate(
            words,
            (scene.right, scene.height(block[0].macs_per_s)),
            (-4, 2),
            ha="right",
            va="bottom",
            textcoords="offset points",
            fontsize=SMALL,
            linespacing=1.15,
            zorder=8,
            color=INK if any(roof.used for roof in block) else "#4a4a4a",
        )
        canvas.write_over([canvas.box_of(text)])


def _label_levels(canvas: Canvas, scene: Scene) -> None:
    """Along their diagonals, above them, where it is free: from the middle outwards."""
    for level in scene.levels:
        x0, x1 = scene.bottom * scene.factor / level.bytes_per_s, scene.highest * scene.factor / level.bytes_per_s
        (left, low), (right, high) = canvas.at(max(x0, scene.left), scene.bottom), canvas.at(x1, scene.highest)
        low = max(low, canvas.at(scene.left, scene.left * level.bytes_per_s / scene.factor)[1])
        angle = math.degrees(math.atan2(high - low, right - left))
        _along(canvas, level, (left, low), (right, high), angle)


def _along(
    canvas: Canvas, level: TiedLevel, start: tuple[float, float], end: tuple[float, float], angle: float
) -> None:
    """Write a level's label along the line from start to end, in points; over other lines if need be."""
    from matplotlib.patheffects import withStroke

    width, height = canvas.size(level.label)
    halo = [withStroke(linewidth=2, foreground="white")]
    lift, turn = height / 2 + 1.5, math.radians(angle)
    shares = sorted((step / PLACES for step in range(1, PLACES)), key=lambda share: abs(share - 0.5))
    for crossing, share in product((False, True), shares):
        middle = [a + (b - a) * share for a, b in zip(start, end, strict=True)]
        x, y = middle[0] - lift * math.sin(turn), middle[1] + lift * math.cos(turn)
        boxes = _turned(x, y, width, height - 3, turn)
        if all(canvas.free(box, crossing) for box in boxes):
            canvas.write_over(boxes)
            canvas.axes.annotate(
                level.label,
                (x, y),
                xycoords="figure points",
                rotation=angle,
                rotation_mode="anchor",
                ha="center",
                va="center",
                fontsize=SMALL,
                color=INK,
                zorder=8,
                path_effects=halo,
            )
            return


def _turned(x: float, y: float, width: float, height: float, turn: float) -> list[Box]:
    """Small boxes that cover a turned text around x, y."""
    count = max(1, round(width / height * 2))
    half = height / 2
    places = [(i + 0.5) / count - 0.5 for i in range(count)]
    centres = [(x + width * p * math.cos(turn), y + width * p * math.sin(turn)) for p in places]
    return [Box(a - half * 0.8, b - half * 0.8, a + half * 0.8, b + half * 0.8) for a, b in centres]


def _label_ridges(canvas: Canvas, scene: Scene) -> None:
    """MACs per byte at which a diagonal meets a roof."""
    for level, roof in ridges(scene):
        x, y = roof.macs_per_s / level.bytes_per_s, scene.height(roof.macs_per_s)
        words = plain_number(figure(x))
        look: dict[str, Any] = {"textcoords": "offset points", "fontsize": SMALL, "color": INK, "zorder": 8}
        places = (
            canvas.axes.annotate(words, (x, y), place[:2], ha=place[2], va=place[3], **look) for place in RIDGE_PLACES
        )
        if not canvas.first_free(places):
            canvas.name(x, y, words, radius=2, crowded=False, color=INK)


def _name_layers(canvas: Canvas, scene: Scene) -> None:
    """The few that take most of the time, and their share of it."""
    spots = {}
    for stack in scene.stacks:
        x, y = stack.points[0].macs_per_byte, scene.height(stack.points[0].macs_per_s)
        spots[stack] = (x, y), canvas.at(x, y), radius(stack)
    for stack in scene.stacks[:NAMED]:
        (x, y), here, reach = spots[stack]
        crowded = any(math.dist(here, there) < reach + its for _, there, its in spots.values() if there != here)
        if stack.share >= LEAST_NAMED:
            canvas.name(x, y, f"{stack.name}: {stack.share:.0%}", reach, crowded, color=INK)
