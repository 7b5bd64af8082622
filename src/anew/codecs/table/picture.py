"""A table as a picture for people."""

from __future__ import annotations

import io
from collections.abc import Collection

import pandas as pd
from PIL import Image, ImageDraw, ImageFont

_ROWS, _LETTERS, _WIDEST = 24, 28, 2400  # shown at most: rows, letters of a cell, pixels of all columns
_FONT, _LINE, _GAP, _BOLD = 14, 26, 12, 0.4  # pixels: of letters, of a row, on each side of a cell, of bold strokes
_TEXT, _FAINT, _RULE = (32, 34, 37), (134, 142, 150), (222, 226, 230)
_HEAD, _STRIPE = (233, 236, 239), (248, 249, 250)
_MORE = "..."


def draw_table(frame: pd.DataFrame, numbers: Collection[str]) -> bytes:
    """A PNG of the first rows; columns named in `numbers` are aligned on the right."""
    font = ImageFont.load_default(_FONT)
    columns = {name: [_cut(name), *map(_cut, frame[name].head(_ROWS))] for name in frame.columns[: _WIDEST // _FONT]}
    widths = {name: max(int(font.getlength(cell)) for cell in cells) + 2 * _GAP for name, cells in columns.items()}
    shown = [name for name, end in zip(widths, pd.Series(list(widths.values())).cumsum()) if end <= _WIDEST]
    left = len(frame.columns) - len(shown)
    foot = _size(len(frame), len(frame.columns)) + (f", {left} not shown" if left else "")
    rows = min(len(frame), _ROWS) + 1
    width = max(sum(widths[name] for name in shown), int(font.getlength(foot)) + 2 * _GAP)
    picture = Image.new("RGB", (width, (rows + 1) * _LINE), "white")
    draw = ImageDraw.Draw(picture)
    for row in range(0, rows, 2):
        draw.rectangle((0, row * _LINE, width, (row + 1) * _LINE - 1), _STRIPE if row else _HEAD)
    start = 0
    for name in shown:
        end = start + widths[name]
        x, anchor = (end - _GAP, "rm") if name in numbers else (start + _GAP, "lm")
        for row, cell in enumerate(columns[name]):
            draw.text((x, (row + 0.5) * _LINE), cell, _TEXT, font, anchor, stroke_width=0 if row else _BOLD)
        start = end
    draw.line((0, _LINE, width, _LINE), _RULE)
    draw.text((_GAP, (rows + 0.5) * _LINE), foot, _FAINT, font, "lm")
    file = io.BytesIO()
    picture.save(file, "PNG")
    return file.getvalue()


def _cut(cell: object) -> str:
    """In the letters that the font has, others as "?"; nothing for a missing cell."""
    text = "" if cell is None or cell is pd.NA or cell != cell else " ".join(str(cell)[: 2 * _LETTERS].split())
    text = text.encode("latin-1", "replace").decode("latin-1")
    return text if len(text) <= _LETTERS else text[: _LETTERS - len(_MORE)] + _MORE


def _size(rows: int, columns: int) -> str:
    return f"{rows:,} row{'s' * (rows != 1)}, {columns:,} column{'s' * (columns != 1)}"
