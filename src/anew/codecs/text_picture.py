"""Texts as a picture for people."""

from __future__ import annotations

import io
import math
from collections.abc import Iterator, Sequence

from PIL import Image, ImageDraw, ImageFont

_FONT, _LINE, _GAP, _WIDTH = 13, 17, 12, 380  # pixels: of letters, of a line, around a text, of a text
_LINES, _MOST = 16, 16  # of a text; texts
_TEXT, _FAINT, _PAPER = (32, 34, 37), (134, 142, 150), (248, 249, 250)


def draw_texts(texts: Sequence[str], columns: int | None = None) -> bytes:
    """A PNG of the beginnings of the first texts, side by side."""
    font, shown = ImageFont.load_default(_FONT), texts[:_MOST]
    columns = min(columns or math.ceil(math.sqrt(len(shown))), 4, max(1, len(shown)))
    lines = [list(_wrapped(text, font)) for text in shown]
    height = _LINE * max((len(some) for some in lines), default=1) + 2 * _GAP
    size = (columns * (_WIDTH + _GAP) + _GAP, -(-len(shown) // columns) * (height + _GAP) + _GAP)
    picture = Image.new("RGB", (size[0], max(size[1], height)), "white")
    draw = ImageDraw.Draw(picture)
    for index, some in enumerate(lines):
        row, column = divmod(index, columns)
        x, y = column * (_WIDTH + _GAP) + _GAP, row * (height + _GAP) + _GAP
        draw.rectangle((x, y, x + _WIDTH, y + height), _PAPER)
        for place, line in enumerate(some):
            colour = _FAINT if line == "..." else _TEXT
            draw.text((x + _GAP, y + _GAP + place * _LINE), line, colour, font)
    file = io.BytesIO()
    picture.save(file, "PNG")
    return file.getvalue()


def _wrapped(text: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont) -> Iterator[str]:
    """Lines that fit, in the letters that the font has; the first of them."""
    done = 0
    for line in text.encode("latin-1", "replace").decode("latin-1").expandtabs(4).splitlines():
        while True:
            fits = _fitting(line, font)
            if done == _LINES:
                yield "..."
                return
            yield line[:fits]
            done, line = done + 1, line[fits:]
            if not line:
                break


def _fitting(line: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont) -> int:
    """How many letters of a line have room: up to a space, if there is one late enough."""
    room, end = _WIDTH - 2 * _GAP, min(len(line), _WIDTH // 3)
    while font.getlength(line[:end]) > room:
        end -= 1 + (end > 40 and font.getlength(line[: end - 8]) > room) * 8
    space = line.rfind(" ", 0, end) + 1
    return space if end < len(line) and space > end // 2 else max(1, end)
