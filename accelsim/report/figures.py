"""Figures as files: one style, whatever a user's matplotlib is set to, and the same bytes for the same figure."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape

from accelsim.config import UserError
from accelsim.config.files import prepare_folder

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FORMATS = (".svg", ".png")
DPI = 200  # of PNG
STYLE: Any = {
    "font.family": "DejaVu Sans",  # comes with matplotlib: labels are as wide everywhere as where they were placed
    "font.size": 8.5,
    "axes.linewidth": 0.7,
    "legend.frameon": False,
    "svg.hashsalt": "accelsim",
    "text.parse_math": False,  # a name may hold a dollar
}
INK = "#1a1a1a"
GREY = "#6b6b6b"
SMALL = 7.2  # points of text inside a figure


@contextmanager
def style() -> Iterator[None]:
    """matplotlib's own settings with ours over them, and back to the caller's."""
    import matplotlib

    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(STYLE)
        yield


def figure_file(path: Path) -> Path:
    """A file that a figure can be written to; nothing is there yet.

    Raises: UserError where that is not so.
    """
    if path.suffix.lower() not in FORMATS:
        raise UserError(f"--out {path}: a figure is what is written; allowed: a name that ends in .svg or .png")
    prepare_folder(path.parent, [path.name])
    return path


def image(figure: Figure, suffix: str, titles: Mapping[str, str]) -> bytes:
    """The figure as a file's content. In SVG what has a gid shows its title where the pointer rests on it."""
    buffer = io.BytesIO()
    if suffix.lower() == ".png":
        figure.savefig(buffer, format="png", dpi=DPI)
        return buffer.getvalue()
    figure.savefig(buffer, format="svg", metadata={"Date": None})
    return _titled(buffer.getvalue().decode(), titles).encode()


def _titled(svg: str, titles: Mapping[str, str]) -> str:
    def with_title(group: re.Match[str]) -> str:
        title = titles.get(group[1])
        return group[0] if title is None else f"{group[0]}\n<title>{escape(title)}</title>"

    return re.sub(r'<g id="([^"]+)">', with_title, svg)
