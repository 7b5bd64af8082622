"""Texts as a picture for people."""

from __future__ import annotations

import io
import math
from collections.abc import Iterator, Sequence
from functools import cache
from unicodedata import combining, normalize

from PIL import Image, ImageDraw, ImageFont

_FONT, _LINE, _GAP, _WIDTH = 13, 17, 12, 380  # pixels: of letters, of a line, around a text, of a text
_FONTS = ("NotoSansCJK-Regular.ttc", "DejaVuSans.ttf", "Arial Unicode.ttf", "arial.ttf")
_LINES, _MOST = 16, 16  # of a text; texts
_TEXT, _FAINT, _PAPER = (32, 34, 37), (134, 142, 150), (248, 249, 250)

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


def draw_texts(texts: Sequence[str], columns: int | None = None) -> bytes:
    """A PNG of the beginnings of the first texts, side by side."""
    font, shown = _font(), texts[:_MOST]
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


@cache
def _font() -> Font:
    """One of the system's with the letters of many languages, or else Pillow's own."""
    for name in _FONTS:
        try:
            return ImageFont.truetype(name, _FONT)
        except OSError:
            continue
    return ImageFont.load_default(_FONT)


def _writable(text: str, font: Font) -> str:
    """In the letters that the font has: those of English, of Pillow's own."""
    if isinstance(getattr(font, "path", None), str):  # Pillow's own lies in memory
        return text
    plain = "".join(letter for letter in normalize("NFKD", text) if not combining(letter))
    return plain.encode("ascii", "replace").decode()


def _wrapped(text: str, font: Font) -> Iterator[str]:
    """Lines that fit, in the letters that the font has; the first of them."""
    done = 0
    for line in _writable(text, font).expandtabs(4).splitlines():
        while True:
            fits = _fitting(line, font)
            if done == _LINES:
                yield "..."
                return
            yield line[:fits]
            done, line = done + 1, line[fits:]
            if not line:
                break


def _fitting(line: str, font: Font) -> int:
    """How many letters of a line have room: up to a space, if there is one late enough."""
    room, end = _WIDTH - 2 * _GAP, min(len(line), _WIDTH // 3)
    while font.getlength(line[:end]) > room:
        end -= 1 + (end > 40 and font.getlength(line[: end - 8]) > room) * 8
    space = line.rfind(" ", 0, end) + 1
    return space if end < len(line) and space > end // 2 else max(1, end)
