"""The roofline as a picture."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from accelsim.report.figures import GREY, INK, SMALL, image, style
from accelsim.report.roofline_canvas import Canvas
from accelsim.report.roofline_labels import write_labels
from accelsim.report.roofline_scene import (
    LEAST_SHARE,
    OTHER_SHAPE,
    SHAPES,
    Scene,
    marker_size,
    ridges,
    scene_of,
    stacks,
)
from accelsim.report.text import figure, percent, scaled
from accelsim.studies.roofline import LayerPoint, Roofline

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_INCHES = (8.0, 5.0)
FRAME = (0.095, 0.15, 0.67, 0.69)  # of the axes: left, bottom, width, height, in shares of the figure
COLOURS = {"compute": "#0b3c7d", "memory": "#d55e00", "vector": "#56b4e9", "latency": "#f0e442"}  # dark to light
KEY_SHARES = (LEAST_SHARE, 0.05, 0.2)
TITLE = 0.935  # where it stands, in shares of the figure's height
KEYS = 0.85  # where legends begin, in shares of the figure's width
KEY = 8.0  # points of text in legends
LEAST_WRITTEN_OUT = 1e-3  # on an axis; less has an exponent
CHARACTERS = 95  # of a line above the axes


def roofline_image(line: Roofline, title: str, suffix: str) -> bytes:
    """The picture as a file's content; suffix is .svg or .png."""
    with style():
        return image(drawing(line, title), suffix, {_gid(i): hover(p, line) for i, p in enumerate(line.points)})


def hover(point: LayerPoint, line: Roofline) -> str:
    """What the pointer shows over a layer, and how many others it hides."""
    alike = next(stack for stack in stacks(line.points) if point in stack.points)
    others = f"; {len(alike.points) - 1} more lie here" if len(alike.points) > 1 else ""
    return (
        f"{point.layer} ({point.kind}, bound by {point.bound}): {figure(point.macs_per_byte)} MAC/byte,"
        f" {scaled(point.macs_per_s, 'MAC/s')}, {percent(point.reached)} of what is attainable,"
        f" {percent(point.share)} of the time{others}"
    )


def _gid(index: int) -> str:
    return f"layer-{index}"


def drawing(line: Roofline, title: str) -> Figure:
    """The picture, to be saved within the same style."""
    from matplotlib.figure import Figure

    scene = scene_of(line)
    drawn = Figure(_INCHES)
    axes = drawn.add_axes(FRAME)
    _set_axes(axes, scene)
    canvas = Canvas(axes)
    _draw_lines(axes, scene)
    _draw_points(axes, scene, line.points)
    write_labels(canvas, scene)
    _draw_keys(drawn, canvas, scene)
    words = textwrap.fill(title, CHARACTERS, max_lines=2, placeholder=" …")
    drawn.text(FRAME[0], TITLE, words, fontsize=9.5, weight="bold", va="bottom")
    drawn.text(FRAME[0], 0.012, _remark(line), fontsize=SMALL, color=GREY, va="bottom")
    return drawn


def _remark(line: Roofline) -> str:
    placed = "Points are placed by DRAM bytes; the lines of buffers count each buffer's own."
    if not line.left_out:
        return placed
    which = f"{line.left_out} layer{'s' * (line.left_out > 1)}"
    return f"Left out: {which} without a product, {percent(line.left_out_share)} of the time. {placed}"


def _set_axes(axes: Axes, scene: Scene) -> None:
    from matplotlib.ticker import FuncFormatter, NullFormatter

    plain = FuncFormatter(lambda value, _: figure(value, 1) if value >= LEAST_WRITTEN_OUT else f"{value:.0e}")
    axes.set(xscale="log", yscale="log", xlim=(scene.left, scene.right), ylim=(scene.bottom, scene.top))
    axes.set_xlabel("arithmetic intensity (MAC per byte of DRAM)")
    axes.set_ylabel(f"throughput ({scene.prefix}MAC/s)")
    both = (lambda macs: 2 * macs, lambda operations: operations / 2)
    above, right = axes.secondary_xaxis("top", functions=both), axes.secondary_yaxis("right", functions=both)
    above.set_xlabel("op per byte of DRAM", labelpad=3)
    right.set_ylabel(f"{scene.prefix}OP/s", labelpad=2)
    for axis in (axes.xaxis, axes.yaxis, above.xaxis, right.yaxis):
        axis.set_major_formatter(plain)
        axis.set_minor_formatter(NullFormatter())
    axes.grid(which="major", color="#e4e4e4", linewidth=0.5)
    axes.set_axisbelow(True)


def _draw_lines(axes: Axes, scene: Scene) -> None:
    fastest = max(level.bytes_per_s for level in scene.levels)
    for roof in scene.roofs:
        look: Any = {"color": INK, "lw": 1.6} if roof.used else {"color": GREY, "lw": 0.9, "ls": (0, (5, 3))}
        axes.plot([roof.macs_per_s / fastest, scene.right], [scene.height(roof.macs_per_s)] * 2, zorder=2, **look)
    for level in scene.levels:
        ends = [scene.bottom, scene.highest]
        look = {"color": INK, "lw": 1.6} if level is scene.levels[0] else {"color": GREY, "lw": 0.9, "ls": "-."}
        axes.plot([end * scene.factor / level.bytes_per_s for end in ends], ends, zorder=2, **look)
    for level, roof in ridges(scene):
        height = scene.height(roof.macs_per_s)
        axes.plot([roof.macs_per_s / level.bytes_per_s], [height], "o", ms=3.2, mfc="white", mec=INK, mew=0.8, zorder=3)


def _draw_points(axes: Axes, scene: Scene, points: Sequence[LayerPoint]) -> None:
    """The largest below, so that none hides a smaller one; an outline has the area of all that lie on one place."""
    for stack in scene.stacks:
        if len(stack.points) > 1:
            _mark(axes, scene, stack.points[0], stack.share, fc="none", ec=INK, lw=0.6, zorder=4)
    for index, point in sorted(enumerate(points), key=lambda item: -item[1].share):
        drawn = _mark(axes, scene, point, point.share, fc=COLOURS[point.bound], ec=INK, lw=0.5, zorder=5)
        drawn.set_gid(_gid(index))


def _mark(axes: Axes, scene: Scene, point: LayerPoint, share: float, **look: Any) -> Any:
    size, shape = marker_size(point.kind, share), SHAPES.get(point.kind, OTHER_SHAPE)
    return axes.scatter([point.macs_per_byte], [scene.height(point.macs_per_s)], s=size, marker=shape, **look)


def _draw_keys(drawn: Figure, canvas: Canvas, scene: Scene) -> None:
    """Three legends right of the axes: what colour, shape and area say."""
    from matplotlib.lines import Line2D

    def key(shape: str, colour: str, size: float = 36) -> Line2D:
        return Line2D([], [], ls="", marker=shape, mfc=colour, mec=INK, mew=0.5, ms=size**0.5)

    kinds = dict.fromkeys(stack.points[0].kind for stack in scene.stacks)
    bounds = [bound for bound in COLOURS if any(stack.points[0].bound == bound for stack in scene.stacks)]
    shapes = {kind: key(SHAPES.get(kind, OTHER_SHAPE), "#bdbdbd", marker_size(kind, 0.025)) for kind in kinds}
    colours = {bound: key("o", COLOURS[bound], marker_size("conv2d", 0.025)) for bound in bounds}
    areas = {f"{share:.0%}": key("o", "#bdbdbd", marker_size("conv2d", share)) for share in KEY_SHARES[1:]}
    areas = {f"{LEAST_SHARE:.0%} or less": key("o", "#bdbdbd", marker_size("conv2d", LEAST_SHARE)), **areas}
    if any(len(stack.points) > 1 for stack in scene.stacks):
        areas["all layers on\none place"] = key("o", "none", marker_size("conv2d", 0.05))
    other = {"ridge point,\nMAC per byte": key("o", "white", 10)}
    top = FRAME[1] + FRAME[3]
    for title, marks in (("bound by", colours), ("kind", shapes), ("share of time", areas), ("", other)):
        if not marks:
            continue
        legend = drawn.legend(
            marks.values(),
            marks.keys(),
            title=title,
            loc="upper left",
            bbox_to_anchor=(KEYS, top),
            alignment="left",
            borderaxespad=0,
            handletextpad=0.6,
            labelspacing=1.0 if marks is areas else 0.7,
            fontsize=KEY,
            title_fontsize=KEY,
        )
        top -= legend.get_window_extent(canvas.renderer).height / drawn.bbox.height + 0.015
