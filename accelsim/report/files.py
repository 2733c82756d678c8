"""What a run and a comparison write."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from accelsim.config.files import csv_text, json_text, write
from accelsim.simulation.result import Result

TIMELINE = "timeline.svg"
RESULT_FILES = ("layers.csv", "summary.json", TIMELINE)  #: what ``write_result`` makes
COMPARISON_FILES = ("compare.csv", "compare.svg", "compare.png")  #: what ``write_comparison`` makes


def write_result(folder: Path, result: Result, timeline: bytes | None = None) -> list[Path]:
    """layers.csv and summary.json of a run, and the timeline of a layer if there is one."""
    contents: list[str | bytes] = [csv_text([result.record(row) for row in result.rows]), json_text(result.summary)]
    contents += [] if timeline is None else [timeline]
    paths = [folder / name for name in RESULT_FILES[: len(contents)]]
    for path, content in zip(paths, contents, strict=True):
        write(path, content)
    return paths


def write_comparison(folder: Path, records: list[dict[str, Any]]) -> list[Path]:
    """compare.csv and its figure."""
    from accelsim.report.bars import comparison_figure

    paths = [folder / name for name in COMPARISON_FILES]
    drawn = comparison_figure(records, [path.suffix[1:] for path in paths[1:]])
    contents: list[str | bytes] = [csv_text(records), *drawn]
    for path, content in zip(paths, contents, strict=True):
        write(path, content)
    return paths
