"""One layer in time: when each unit works, and what the engine waits for."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from accelsim.hardware import Hardware
from accelsim.memory.schedule import ScheduledLayer
from accelsim.memory.stalls import StallCause
from accelsim.memory.timeline import count_busy, merge_intervals
from accelsim.report.figures import GREY, INK, SMALL, image, style
from accelsim.report.text import figure as number
from accelsim.simulation.result import LayerResult

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_INCHES = (7.2, 3.5)
_FINEST = 1500  # parts of the width: gaps between two pieces that are narrower are closed
BUSY = "#2f5f8f"
LANES = {
    "engine": BUSY,
    "vector unit": "#5a8f5a",
    "loads: ifmap": "#8f6f2f",
    "weights": "#8f6f2f",
    "sums": "#8f6f2f",
    "stores": "#8f4f4f",
    "SRAM ifmap": "#777777",
    "SRAM weight": "#777777",
    "SRAM ofmap": "#777777",
    "DRAM": "#444444",
}


class Cause(NamedTuple):
    """How a wait of the engine is told and drawn."""

    told: str
    colour: str
    hatch: str


STALL_STYLES = {
    StallCause.FIRST_FILL: Cause("first fill", "#e8d9a8", "...."),
    StallCause.LOAD_WAIT: Cause("loads", "#f2c14e", ""),
    StallCause.REFRESH_WAIT: Cause("refresh", "#b8b8e8", "xxxx"),
    StallCause.STORE_WAIT: Cause("stores", "#e08a7d", "////"),
    StallCause.DRAIN: Cause("drain", "#dddddd", "\\\\\\\\"),
}


def timeline_image(layer: LayerResult, played: ScheduledLayer, hardware: Hardware, suffix: str = ".svg") -> bytes:
    """The timeline of a layer as a file's content: SVG or PNG. Waits for banks are within the engine's bars."""
    with style():
        from matplotlib.figure import Figure

        picture = Figure(figsize=_INCHES, layout="constrained")
        axes = picture.add_subplot()
        axes.set_title(timeline_title(layer, played, hardware), loc="left", color=INK)
        _draw(axes, played)
        return image(picture, suffix, {})


def timeline_title(layer: LayerResult, played: ScheduledLayer, hardware: Hardware) -> str:
    """Layer, hardware, time, and what the engine's bars hide."""
    microseconds = played.total_cycles / hardware.clock_mhz
    title = f"{layer.layer} on {hardware.name}: {played.total_cycles:,} cycles, {number(microseconds)} µs"
    banks = layer.bank_conflict_cycles
    return f"{title}; of the engine's, {banks:,} wait for banks" if banks else title


def _draw(axes: Axes, played: ScheduledLayer) -> None:
    timeline, total = played.timeline, played.total_cycles
    moves = [merge_intervals(played.transfers[:, place]) for place in range(4)]
    lanes = dict(
        zip(
            LANES,
            (
                timeline.engine,
                timeline.vector,
                *moves,
                timeline.sram_ifmap,
                timeline.sram_weight,
                timeline.sram_ofmap,
                timeline.dram,
            ),
            strict=True,
        )
    )
    lanes = {name: intervals for name, intervals in lanes.items() if len(intervals)}
    waiter = "vector unit" if played.lanes_only else "engine"
    for row, (name, intervals) in enumerate(lanes.items()):
        axes.broken_barh(_drawn(intervals, total), (row - 0.36, 0.72), color=LANES[name], linewidth=0)
        if name == waiter:
            _waits(axes, played, row)
    shares = [f"{name}  {count_busy(intervals) / max(total, 1):4.0%}" for name, intervals in lanes.items()]
    axes.set_yticks(range(len(lanes)), shares)
    axes.set_ylim(len(lanes) - 0.5, -0.5)
    axes.set_xlim(0, max(total, 1))
    axes.set_xlabel("cycle of the engine's clock; behind each name its busy share")
    axes.xaxis.set_major_formatter("{x:,.0f}")
    axes.tick_params(axis="y", length=0)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.grid(axis="x", color=GREY, linewidth=0.3, alpha=0.5)
    axes.set_axisbelow(True)


def _waits(axes: Axes, played: ScheduledLayer, row: int) -> None:
    """Gaps of the engine by cause, and what they add up to below."""
    sums = played.stalls._asdict()
    handles = []
    for name, cause in STALL_STYLES.items():
        intervals = played.waits_for(name)
        if sums[name] and len(intervals):
            bars = axes.broken_barh(
                _drawn(intervals, played.total_cycles),
                (row - 0.36, 0.72),
                facecolor=cause.colour,
                hatch=cause.hatch,
                edgecolor=GREY,
                linewidth=0,
            )
            bars.set_label(f"{cause.told} {sums[name]:,}")
            handles.append(bars)
    if handles:
        unit = "vector unit" if played.lanes_only else "engine"
        axes.figure.legend(
            handles=handles,
            loc="outside lower left",
            ncols=len(handles),
            fontsize=SMALL,
            title=f"cycles in which the {unit} waits for",
            title_fontsize=SMALL,
            alignment="left",
            handlelength=1.6,
            columnspacing=1.4,
        )


def _drawn(intervals: np.ndarray, total: int) -> list[tuple[int, int]]:
    """Start and width, pieces that stand too close to be told apart as one."""
    narrow = total / _FINEST
    apart = intervals[1:, 0] - intervals[:-1, 1] > narrow
    starts = intervals[np.concatenate(([True], apart)), 0]
    ends = intervals[np.concatenate((apart, [True])), 1]
    return list(zip(starts.tolist(), (ends - starts).tolist(), strict=True))
