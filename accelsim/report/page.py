"""What a command's --out folder holds, as one page: report.html, with its figures and tables inside it."""

from __future__ import annotations

import base64
import csv
import json
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from accelsim.config import UserError
from accelsim.report.text import figure, plain_number

PAGE = "report.html"
_MOST_ROWS = 500  # of a table; the file has all
_LARGEST = 64 << 20  # bytes of a file that is taken into the page
TILES = {  # of a summary: what comes first, large
    "latency_ms": ("latency", "ms"),
    "energy_uj": ("energy", "µJ"),
    "average_power_mw": ("average power", "mW"),
    "utilization": ("utilization", ""),
    "tops": ("throughput", "TOPS"),
    "tops_per_w": ("efficiency", "TOPS/W"),
    "total_cycles": ("cycles", ""),
    "macs": ("MACs", ""),
}
FOLDED = ("sources", "pareto", "layers")
_UNITS = {
    "pj": "[pJ]",
    "uj": "[µJ]",
    "mw": "[mW]",
    "ms": "[ms]",
    "us": "[µs]",
    "ns": "[ns]",
    "mm2": "[mm²]",
    "v": "[V]",
    "mhz": "[MHz]",
    "kib": "[KiB]",
    "uw": "[µW]",
    "k": "[K]",
}
LONG = 48  # characters from which on a column's text wraps
_STYLE = """
:root { --ink: #1a1f26; --soft: #5c6672; --line: #dfe4ea; --bar: #3f6f95; --paper: #ffffff; --tint: #f5f7f9; }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 1080px; padding: 32px 24px 64px; color: var(--ink); background: var(--paper);
       font: 15px/1.5 system-ui, "Segoe UI", "DejaVu Sans", sans-serif; }
h1 { font-size: 26px; margin: 0 0 4px; } h2 { font-size: 18px; margin: 36px 0 10px; }
.about { color: var(--soft); margin: 0 0 20px; }
.tiles { display: flex; flex-wrap: wrap; gap: 10px; }
.tile { flex: 1 1 150px; border: 1px solid var(--line); border-radius: 8px; padding: 10px 14px;
        background: var(--tint); }
.tile b { display: block; font-size: 19px; font-weight: 600; white-space: nowrap; }
.tile span { color: var(--soft); font-size: 13px; }
.note { border-left: 3px solid #c9812f; background: #fdf7ee; margin: 8px 0; padding: 6px 12px; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-size: 13px; font-variant-numeric: tabular-nums; }
th { text-align: right; border-bottom: 2px solid var(--ink); padding: 4px 10px; white-space: nowrap; }
td { text-align: right; border-bottom: 1px solid var(--line); padding: 3px 10px; white-space: nowrap; }
th.text, td.text { text-align: left; } td.long { white-space: normal; min-width: 300px; }
.bars td { border: 0; } .bar { height: 13px; background: var(--bar); border-radius: 2px; min-width: 1px; }
.bars td.wide { width: 420px; } img { max-width: 100%; height: auto; }
details { margin: 8px 0; } summary { cursor: pointer; color: var(--soft); }
"""


def page(folder: Path) -> str:
    """The page of a folder.

    Raises: UserError for a folder that is not there or holds nothing that a command wrote, and for broken files.
    """
    if not folder.is_dir():
        raise UserError(f"{folder}: no such folder; accelsim run WORKLOAD --out {folder} makes it")
    documents = {path: _json(path) for path in sorted(folder.glob("*.json"))}
    tables = {path: _csv(path) for path in sorted(folder.glob("*.csv"))}
    figures = sorted(folder.glob("*.svg"))
    if not (documents or tables):
        raise UserError(f"{folder}: holds no JSON or CSV; accelsim run WORKLOAD --out {folder} makes some")
    parts = [_head(documents, folder)]
    for document in documents.values():
        parts += _shares(document)
    parts += [_section(_words(path.stem), _image(path)) for path in figures]
    for document in documents.values():
        parts += [
            _section(_words(key), _table(value))
            for key, value in document.items()
            if _are_records(value) and key not in FOLDED
        ]
    parts += [_section(path.name, _table(rows)) for path, rows in tables.items() if rows]
    for path, document in documents.items():
        parts += _folded(document, path.name)
    body = "\n".join(part for part in parts if part)
    title = escape(_title(documents, folder))
    return (
        f'<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>{title}</title>\n'
        f"<style>{_STYLE}</style>\n</head>\n<body>\n{body}\n</body>\n</html>\n"
    )


def _json(path: Path) -> dict[str, Any]:
    try:
        document = json.loads(_text(path))
    except ValueError as error:
        raise UserError(f"{path}: no JSON: {error}") from None
    if not isinstance(document, dict):
        raise UserError(f"{path}: should be a JSON object, as accelsim writes it")
    return document


def _csv(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(_text(path).splitlines()))


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > _LARGEST:
            raise UserError(f"{path}: is larger than {_LARGEST >> 20} MiB")
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: cannot be read: {getattr(error, 'strerror', None) or error}") from None


def _title(documents: Mapping[Path, dict[str, Any]], folder: Path) -> str:
    for document in documents.values():
        if "workload" in document and "hardware" in document:
            return f"{document['workload']} on {document['hardware']}"
    return folder.name


def _head(documents: Mapping[Path, dict[str, Any]], folder: Path) -> str:
    """Title, what it is of, and what comes first."""
    first = next(iter(documents.values()), {})
    about = [str(first[key]) for key in ("precision",) if key in first]
    about += [f"batch {first['batch']}"] if "batch" in first else []
    about += [f"with {', '.join(first['settings'])}"] if first.get("settings") else []
    about += [f"accelsim {first['version']}"] if "version" in first else []
    tiles = "".join(
        f'<div class="tile"><b>{_number(first[key])} {unit}</b><span>{words}</span></div>'
        for key, (words, unit) in TILES.items()
        if isinstance(first.get(key), int | float)
    )
    head = f'<h1>{escape(_title(documents, folder))}</h1>\n<p class="about">{escape(" · ".join(about))}</p>'
    return f'{head}\n<div class="tiles">{tiles}</div>' if tiles else head


def _shares(document: Mapping[str, Any]) -> list[str]:
    """Notes, and parts of a whole as bars."""
    parts = [f'<p class="note">{escape(str(note))}</p>' for note in document.get("notes", [])]
    for key, value in document.items():
        if isinstance(value, dict) and value and all(isinstance(item, int | float) for item in value.values()):
            parts.append(_section(_words(key), _bars(value)))
    return parts


def _folded(document: Mapping[str, Any], name: str) -> list[str]:
    """What only some readers want: long lists, and everything single."""
    parts = [
        _fold(f"{_words(key)}, {len(document[key])} entries", _table(document[key]))
        for key in FOLDED
        if _are_records(document.get(key))
    ]
    rows = [
        {"key": key, "value": value} for key, value in document.items() if isinstance(value, str | int | float | bool)
    ]
    return [*parts, _fold(f"all single figures of {name}", _table(rows))] if rows else parts


def _are_records(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(item, dict) for item in value)


def _fold(summary: str, content: str) -> str:
    return f"<details><summary>{escape(summary)}</summary>{content}</details>"


def _words(key: str) -> str:
    """A key as a heading, its unit as it is written."""
    first, *others = key.split("_")
    return " ".join([first, *(_UNITS.get(word, word) for word in others)])


def _section(heading: str, content: str) -> str:
    return f"<h2>{escape(heading)}</h2>\n{content}"


def _bars(values: Mapping[str, float]) -> str:
    """Largest first, as long as their share of the largest."""
    most = max((abs(value) for value in values.values()), default=0.0) or 1.0
    total = sum(values.values()) or 1.0
    rows = "".join(
        f'<tr><td class="text">{escape(_words(str(name)))}</td><td>{_number(value)}</td>'
        f"<td>{100 * value / total:.1f}%</td>"
        f'<td class="wide"><div class="bar" style="width:{100 * abs(value) / most:.2f}%"></div></td></tr>'
        for name, value in sorted(values.items(), key=lambda pair: -abs(pair[1]))
        if value
    )
    return f'<table class="bars">{rows}</table>'


def _table(rows: Sequence[Mapping[str, Any]]) -> str:
    columns = list(dict.fromkeys(key for row in rows for key in row))
    kinds = {key: _kind([row.get(key) for row in rows]) for key in columns}
    head = "".join(_cell("th", _words(key), kinds[key]) for key in columns)
    body = "".join(
        f"<tr>{''.join(_cell('td', _shown(row.get(key)), kinds[key]) for key in columns)}</tr>\n"
        for row in rows[:_MOST_ROWS]
    )
    left_out = f"<p>{len(rows) - _MOST_ROWS} more in the file</p>" if len(rows) > _MOST_ROWS else ""
    return f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>\n{body}</tbody></table></div>{left_out}'


def _kind(values: Sequence[Any]) -> str:
    """The class of a column's cells: empty for numbers."""
    if all(value in ("", None) or _is_number(value) for value in values):
        return ""
    return "text long" if max(len(_shown(value)) for value in values) > LONG else "text"


def _cell(tag: str, text: str, kind: str) -> str:
    return f'<{tag} class="{kind}">{escape(text)}</{tag}>' if kind else f"<{tag}>{escape(text)}</{tag}>"


def _is_number(value: Any) -> bool:
    if isinstance(value, int | float):
        return not isinstance(value, bool)
    try:
        float(value)
    except (TypeError, ValueError):
        return False
    return True


def _shown(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict | list):
        return ", ".join(map(str, _flat(value)))
    if not _is_number(value):
        return str(value)
    return _number(int(value) if str(value).lstrip("-").isdecimal() else float(value))


def _flat(value: Mapping[str, Any] | list[Any]) -> Iterable[str]:
    if isinstance(value, list):
        return (_shown(item) for item in value)
    return (f"{_words(key)} {_shown(item)}" for key, item in value.items())


def _number(value: float) -> str:
    return f"{value:,}" if isinstance(value, int) else plain_number(figure(value, 4))


def _image(path: Path) -> str:
    data = base64.b64encode(_text(path).encode()).decode()
    return f'<img alt="{escape(path.stem)}" src="data:image/svg+xml;base64,{data}">'
