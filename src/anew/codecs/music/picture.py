"""Music as a picture for people: piano rolls."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw

from anew.codecs.music.bars import DRUMS, NOTE, VOICES, Bars

_WHOLE, _WIDEST, _NARROWEST, _GAP = 1600, 800, 160, 8  # pixels: of all rolls, of one, and between them
_SHAPE = 0.36  # height of a roll by its width
_ROW, _STEP = 6, 12  # pixels of a semitone and of a step, at most
_BACK, _PAPER, _BLACK_KEYS, _LINE = (236, 238, 240), (255, 255, 255), (246, 247, 249), (206, 211, 216)
_KEYS = (1, 3, 6, 8, 10)
_DRUMS = (110, 114, 120)
_COLOURS = (
    *((214, 69, 65), (39, 123, 192), (44, 160, 90), (232, 145, 33), (128, 90, 180), (20, 160, 170)),
    *((200, 80, 150), (120, 140, 30), (140, 86, 60), (70, 70, 160)),
)


def draw_music(music: Sequence[Bars], columns: int | None = None) -> bytes:
    """A PNG of piano rolls: time to the right, pitch upwards, a colour for each track, a line for each bar.

    All are drawn to one scale.
    """
    columns = columns or max(1, math.ceil(math.sqrt(len(music) / 2)))
    rows = max(1, math.ceil(len(music) / columns))
    width = max(_NARROWEST, min(_WIDEST, _WHOLE // columns - _GAP))
    scale = _Scale(music, width, int(width * _SHAPE))
    size = (columns * (scale.width + _GAP) + _GAP, rows * (scale.height + _GAP) + _GAP)
    picture = Image.new("RGB", size, _BACK)
    for index, piece in enumerate(music):
        row, column = divmod(index, columns)
        corner = (_GAP + column * (scale.width + _GAP), _GAP + row * (scale.height + _GAP))
        picture.paste(_draw(piece, scale), corner)
    file = io.BytesIO()
    picture.save(file, "PNG")
    return file.getvalue()


class _Scale:
    """Where a step and a pitch are in a roll, and the colour of each track."""

    def __init__(self, music: Sequence[Bars], width: int, height: int) -> None:
        notes = np.concatenate([np.zeros(0, NOTE), *(piece.notes for piece in music)])
        self.low, self.high = notes["pitch"].min(initial=59) - 1, notes["pitch"].max(initial=61) + 2
        self._steps = max(1, (notes["start"] + notes["duration"]).max(initial=1))
        self.width = min(width, self._steps * _STEP)
        self.height = min(height, (self.high - self.low) * _ROW)
        tracks = np.unique(notes["track"]).tolist()
        tuned = [track for track in tracks if track // VOICES != DRUMS]
        self.colours = dict.fromkeys(tracks, _DRUMS)
        self.colours |= {track: _COLOURS[i % len(_COLOURS)] for i, track in enumerate(tuned)}

    def x(self, step: int) -> int:
        return step * self.width // self._steps

    def y(self, pitch: int) -> int:
        """The upper edge."""
        return (self.high - pitch - 1) * self.height // (self.high - self.low)


def _draw(piece: Bars, scale: _Scale) -> Image.Image:
    picture = Image.new("RGB", (scale.width, scale.height), _PAPER)
    draw = ImageDraw.Draw(picture)
    for pitch in range(scale.low, scale.high):
        if pitch % 12 in _KEYS:
            draw.rectangle((0, scale.y(pitch), scale.width, max(scale.y(pitch), scale.y(pitch - 1) - 1)), _BLACK_KEYS)
    for start in piece.starts[1:].tolist():
        draw.line((scale.x(start), 0, scale.x(start), scale.height), _LINE)
    for start, track, pitch, duration, _ in piece.notes.tolist():
        left, top = scale.x(start), scale.y(pitch)
        right = max(left, scale.x(start + duration) - 2)
        draw.rectangle((left, top, right, max(top, scale.y(pitch - 1) - 1)), scale.colours[track])
    return picture
