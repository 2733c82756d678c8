"""The anchors as a table: what was expected, what is simulated, and the verdict."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.text import Text

from accelsim.report.text import Grid, Paragraph, as_text
from accelsim.report.validate_gpus import gpu_report
from accelsim.studies.validate.anchors import GPUS, Anchor
from accelsim.studies.validate.gpu_calibration import calibrate_gpus

MOST_LISTED = 40  # a group of more anchors is shown as one line


def validate_report(checked: Sequence[Anchor]) -> RenderableType:
    """Every anchor of the small groups, a line per group, whatever is outside its band, the sources, the verdict."""
    groups: dict[str, list[Anchor]] = {}
    for anchor in checked:
        groups.setdefault(anchor.group, []).append(anchor)
    parts: list[RenderableType] = []
    for group, members in groups.items():
        if len(members) <= MOST_LISTED and not group.startswith(GPUS):
            parts += [Text(group, style="bold"), _listed(members), *_notes(members), Text("")]
    parts += [Text("all anchors", style="bold"), _summed(groups)]
    outside = [anchor for anchor in checked if not anchor.holds]
    for a in outside:
        figures = f"expected {a.expected:,}, simulated {a.simulated:,} ({a.error:+.3%}, band {a.band:.2%})"
        parts.append(Paragraph(f"OUTSIDE {a.group}, {a.name}: {figures}; {a.source}", hanging=2))
    parts += [Text(""), Text("sources", style="bold")]
    parts.extend(Paragraph(f"  {', '.join(of)}: {source}", hanging=4) for source, of in _sources(groups).items())
    parts += [Text(""), *gpu_report(calibrate_gpus())]
    parts.append(Text("every anchor with its source: accelsim validate --json"))
    verdict = "every anchor is in its band" if not outside else f"{len(outside)} anchors outside their band"
    return Group(*parts, Text(verdict))


def _listed(members: list[Anchor]) -> Grid:
    lines = [
        [*as_text((a.name, a.expected, a.simulated)), _signed(a.error), _band(a), "yes" if a.holds else "NO"]
        for a in members
    ]
    return Grid(("name", "expected", "simulated", "error", "band", "in band"), lines, ("name",), shorten="name")


def _notes(members: list[Anchor]) -> list[Paragraph]:
    """Each note once, after the names that it is about; without them where it is about all."""
    about: dict[str, list[str]] = {}
    for a in members:
        if a.note:
            about.setdefault(a.note, []).append(a.name)
    return [
        Paragraph(note if len(names) == len(members) else f"{', '.join(names)}: {note}", hanging=2, style="dim")
        for note, names in about.items()
    ]


def _summed(groups: dict[str, list[Anchor]]) -> Grid:
    lines = []
    for group, members in groups.items():
        worst = max(members, key=lambda a: abs(a.error))
        counts = (len(members), sum(a.error == 0 for a in members), sum(a.holds for a in members))
        lines.append([*as_text((group, *counts)), _signed(worst.error), worst.name if worst.error else ""])
    headings = ("anchors", "number", "exact", "in band", "worst error", "worst at")
    return Grid(headings, lines, ("anchors", "worst at"), shorten="worst at")


def _signed(error: float) -> str:
    if not error:
        return "0"
    return f"{error:+.2%}" if abs(error) >= 5e-5 else f"{error:+.4%}"


def _band(anchor: Anchor) -> str:
    if anchor.band is None:
        return "told"
    return f"{100 * anchor.band:g}%" if anchor.band else "exact"


def _sources(groups: dict[str, list[Anchor]]) -> dict[str, list[str]]:
    """What rests on each source: whole groups that have but one, else anchors by name."""
    found: dict[str, list[str]] = {}
    for group, members in groups.items():
        if group.startswith(GPUS):  # told with their table
            continue
        single = len({a.source for a in members}) == 1
        for a in members:
            names = found.setdefault(a.source, [])
            name = group if single else a.name
            if name not in names:
                names.append(name)
    return found
