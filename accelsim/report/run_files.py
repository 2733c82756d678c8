"""Files of a run: layers.csv, summary.json and the timeline of one layer."""

from __future__ import annotations

from pathlib import Path

from accelsim.config.files import format_csv, format_json, write_file
from accelsim.simulation.result import Result

TIMELINE = "timeline.svg"
RESULT_FILES = ("layers.csv", "summary.json", TIMELINE)  #: what ``write_result`` makes


def write_result(folder: Path, result: Result, timeline: bytes | None = None) -> list[Path]:
    """layers.csv and summary.json of a run, and the timeline of a layer if there is one."""
    contents: list[str | bytes] = [format_csv([result.record(row) for row in result.rows]), format_json(result.summary)]
    contents += [] if timeline is None else [timeline]
    paths = [folder / name for name in RESULT_FILES[: len(contents)]]
    for path, content in zip(paths, contents, strict=True):
        write_file(path, content)
    return paths
