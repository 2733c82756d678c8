"""Files of a comparison: compare.csv and its figure."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from accelsim.config.files import format_csv, write_file

COMPARISON_FILES = ("compare.csv", "compare.svg", "compare.png")  #: what ``write_comparison`` makes


def write_comparison(folder: Path, records: list[dict[str, Any]]) -> list[Path]:
    """compare.csv and its figure."""
    from accelsim.report.compare_plot import comparison_figure

    paths = [folder / name for name in COMPARISON_FILES]
    drawn = comparison_figure(records, [path.suffix[1:] for path in paths[1:]])
    contents: list[str | bytes] = [format_csv(records), *drawn]
    for path, content in zip(paths, contents, strict=True):
        write_file(path, content)
    return paths
