"""Energy over latency: operating points, what each part of a chip takes there, and the front of per-layer schedules."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from accelsim.report.figures import GREY, INK, SMALL, image, style
from accelsim.studies.dvfs import DvfsResult

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_INCHES = (8.4, 3.9)
_PARTS = {  # what is stacked, from the bottom: words, components, colour
    "logic": (("mac", "registers", "vector"), "#12263a"),
    "SRAM": (("sram_ifmap", "sram_weight", "sram_ofmap"), "#3f6f95"),
    "DRAM accesses": (("dram",), "#8fb3d1"),
    "leakage": (("leakage_logic", "leakage_sram"), "#c9812f"),
    "DRAM standby": (("dram_standby",), "#ecd2a5"),
}
FRONT, POINTS, LIMIT = "#b5362c", "#12263a", "#3a7d44"


def dvfs_image(found: DvfsResult, title: str, suffix: str = ".svg") -> bytes:
    """The figure as a file's content."""
    with style():
        from matplotlib.figure import Figure

        picture = Figure(figsize=_INCHES, layout="constrained")
        picture.suptitle(title, x=0.01, ha="left", fontsize=9.5, color=INK)
        left, right = picture.subplots(1, 2)
        _parts(left, found)
        _front(right, found)
        for axes in (left, right):
            axes.spines[["top", "right"]].set_visible(False)
            axes.set_axisbelow(True)
            axes.grid(axis="y", color=GREY, linewidth=0.3, alpha=0.5)
        return image(picture, suffix, {})


def _parts(axes: Axes, found: DvfsResult) -> None:
    """Stacked energies of the points, by voltage."""
    places = np.arange(len(found.runs))
    floor = np.zeros(len(found.runs))
    for name, (components, colour) in _PARTS.items():
        heights = np.array([sum(run.parts_pj[part] for part in components) * 1e-6 for run in found.runs])
        axes.bar(places, heights, 0.72, bottom=floor, color=colour, label=name)
        floor += heights
    axes.set_xticks(places, [f"{run.point.voltage_v:.3g}" for run in found.runs])
    axes.set_xlabel("supply [V]; the clock falls with it, the DRAM's does not")
    axes.set_ylabel("energy of an inference [µJ]")
    axes.set_ylim(0, 1.32 * floor.max())
    handles, labels = axes.get_legend_handles_labels()
    axes.legend(handles[::-1], labels[::-1], loc="upper left", fontsize=SMALL, ncols=2)


def _front(axes: Axes, found: DvfsResult) -> None:
    """Energy over latency: points, the front of per-layer schedules, the one chosen and its deadline."""
    front, idle = found.governors.front, found.period.idle_mw
    axes.plot(
        front.time_ns * 1e-6,
        (front.energy_pj + idle * front.time_ns) * 1e-6,
        color=FRONT,
        lw=1.3,
        label="per-layer schedules",
    )
    latency, energy = (
        [value * 1e-6 for value in values]
        for values in zip(*((run.total_ns, run.total_pj) for run in found.runs), strict=True)
    )
    axes.plot(latency, energy, "o-", color=POINTS, ms=4, lw=0.6, label="one point for all layers")
    for x, y, run in zip(latency, energy, found.runs, strict=True):
        axes.annotate(
            f"{run.point.voltage_v:.3g} V",
            (x, y),
            xytext=(3, 4),
            textcoords="offset points",
            fontsize=SMALL,
            color=GREY,
        )
    chosen = found.governors.choices[-1]
    axes.plot(
        [chosen.active_ns * 1e-6],
        [chosen.active_pj * 1e-6],
        "D",
        color=FRONT,
        ms=6,
        mec="white",
        mew=0.7,
        label="chosen, least in a period" if found.period.repeats else "chosen",
    )
    deadline = found.period.deadline_ns * 1e-6
    if found.period.repeats and deadline < 1.5 * max(latency):
        axes.axvline(deadline, color=LIMIT, lw=1, ls="--", label=f"deadline {deadline:.4g} ms")
    axes.set_xlabel("latency [ms]")
    axes.set_ylabel("energy of an inference, idling left out [µJ]")
    axes.legend(fontsize=SMALL, loc="best", frameon=True, facecolor="white", edgecolor="none", framealpha=0.92)
