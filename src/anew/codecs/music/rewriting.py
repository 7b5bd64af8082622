"""Bars of a piece that are to be written again: x.mid?bars=5-8."""

from __future__ import annotations

import re

import numpy as np

from anew.codecs.music.events import Events, Kind
from anew.errors import AnewError

_PART = re.compile(r"(\d{1,6})(?:-(\d{1,6}))?", re.ASCII)


def bars_asked(part: str, count: int) -> range:
    """ "5-8" of a piece of `count` bars -> range(4, 8); raises AnewError."""
    found = _PART.fullmatch(part)
    first, last = (int(found[1]), int(found[2] or found[1])) if found else (0, 0)
    if not 1 <= first <= last <= count:
        raise AnewError(f"bars={part} is no part of {count} bars; expected such as ?bars=1-{min(4, count)}")
    return range(first - 1, last)


def open_bars(codes: np.ndarray, part: str, events: Events, length: int) -> list[int]:
    """The codes of a piece with -1 in place of notes in some bars: as many as there are, or as in others on average.

    Bars stay, and so do their tempos.
    """
    kinds = events.kinds[codes]
    bars = np.split(codes, np.flatnonzero(kinds == Kind.BAR)[1:])
    heads = [1 + int(len(bar) > 1 and events.kinds[bar[1]] == Kind.TEMPO) for bar in bars]
    asked = bars_asked(part, len(bars))
    notes = np.array([len(bar) - head for bar, head in zip(bars, heads)])
    rooms = np.maximum(notes, int(np.ceil(notes.mean())))
    if len(codes) + (rooms - notes)[asked].sum() > length:
        rooms = notes
    for i in asked:
        bars[i] = np.append(bars[i][: heads[i]], np.full(rooms[i], -1))
    return [int(code) for bar in bars for code in bar]
