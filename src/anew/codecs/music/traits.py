"""What a musician would count in a piece, in thousands of pieces at once.

Entropy of pitch classes, share in a scale and groove as MusPy defines them (Dong et al. 2020); parallels as
counterpoint forbids them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations

import numpy as np

from anew.codecs.music.bars import DRUMS, VOICES, Bars

_SCALE = (0, 2, 4, 5, 7, 9, 11)  # major; that of the minor key three semitones below has the same notes
_TOGETHER = 200  # pieces whose voices are looked at at a time
_FIFTH, _OCTAVE = 7, 0
_OF_VOICES = ("parallel fifths a bar", "parallel octaves a bar", "semitones of a voice's step", "crossing voices")


def traits(music: Sequence[Bars]) -> dict[str, np.ndarray]:
    """{trait: float64 (n,)}; NaN where there are no notes to count, and of voices where they are not one note each."""
    notes = _Notes(music)
    with np.errstate(invalid="ignore", divide="ignore"):
        found = {
            "notes a bar": notes.count(notes.piece) / notes.bars,
            "notes at once": notes.sum(notes.tuned, notes.duration) / notes.sum(notes.tuned, _new(notes)),
            "groove kept from bar to bar": _groove(music, notes),
            **_pitches(notes),
        }
    voices = [_voices(music[start : start + _TOGETHER]) for start in range(0, len(music), _TOGETHER)]
    return found | dict(zip(_OF_VOICES, np.concatenate(voices, axis=1) if voices else np.zeros((4, 0))))


class _Notes:
    """The notes of n pieces, one after the other; `tuned` are those that are not drums."""

    def __init__(self, music: Sequence[Bars]) -> None:
        self.n = len(music)
        self.bars = np.array([len(piece.signatures) for piece in music], np.float64)
        self.piece = np.repeat(np.arange(self.n), [len(piece.notes) for piece in music])
        self.bar = np.concatenate([np.zeros(0, int), *(piece.bar_of(piece.notes["start"]) for piece in music)])
        lines = [piece.starts[piece.bar_of(piece.notes["start"])] for piece in music]
        columns = {
            name: np.concatenate([np.zeros(0, int), *(piece.notes[name] for piece in music)])
            for name in ("start", "track", "pitch", "duration")
        }
        self.start, self.track, self.pitch, self.duration = columns.values()
        self.place = self.start - np.concatenate([np.zeros(0, int), *lines])
        self.tuned = self.track // VOICES != DRUMS

    def count(self, pieces: np.ndarray) -> np.ndarray:
        return np.bincount(pieces, minlength=self.n).astype(np.float64)

    def sum(self, chosen: np.ndarray, values: np.ndarray) -> np.ndarray:
        """(n,) of the values (N,) of the notes that are chosen."""
        return np.bincount(self.piece[chosen], values[chosen], self.n)


def _pitches(notes: _Notes) -> dict[str, np.ndarray]:
    piece, pitch = notes.piece[notes.tuned], notes.pitch[notes.tuned]
    classes = np.bincount(piece * 12 + pitch % 12, minlength=12 * notes.n).reshape(-1, 12).astype(np.float64)
    shares = classes / classes.sum(1, keepdims=True)
    scales = np.array([[(tone - key) % 12 in _SCALE for tone in range(12)] for key in range(12)], np.float64)
    highest, lowest = np.full(notes.n, -np.inf), np.full(notes.n, np.inf)
    np.maximum.at(highest, piece, pitch)
    np.minimum.at(lowest, piece, pitch)
    some = np.where(classes.sum(1) > 0, 0, np.nan)
    return {
        "bits of pitch classes": -(shares * np.log2(np.maximum(shares, 1e-12))).sum(1),
        "range in semitones": np.where(np.isnan(some), np.nan, highest - lowest),
        "notes in the best key": (shares @ scales.T).max(1) + some,
    }


def _new(notes: _Notes) -> np.ndarray:
    """(N,) steps in which each note sounds and none of the piece that began before it does; 0 for drums."""
    new = np.zeros(len(notes.piece))
    which = np.flatnonzero(notes.tuned)
    start = notes.start[which] + notes.piece[which] * (int((notes.start + notes.duration).max(initial=0)) + 1)
    end = start + notes.duration[which]
    order = np.argsort(start, kind="stable")
    before = np.concatenate([[0], np.maximum.accumulate(end[order])])[:-1]
    new[which[order]] = np.maximum(0, end[order] - np.maximum(start[order], before))
    return new


def _groove(music: Sequence[Bars], notes: _Notes) -> np.ndarray:
    """(n,) the share of steps at which neighbouring bars of one length agree on whether a note begins."""
    sizes = np.concatenate([np.zeros(0, int), *(piece.sizes for piece in music)])
    owner = np.repeat(np.arange(notes.n), notes.bars.astype(int))
    line = np.concatenate([[0], np.cumsum(notes.bars)[:-1]]).astype(int)[notes.piece] + notes.bar if notes.n else []
    widest = int(sizes.max(initial=1))
    onsets = np.unique(np.asarray(line, int) * widest + notes.place)
    each = np.bincount(onsets // widest, minlength=len(sizes))
    both = np.bincount(onsets[np.isin(onsets + widest, onsets)] // widest, minlength=len(sizes))
    alike = 1 - (each[:-1] + each[1:] - 2 * both[:-1]) / sizes[:-1]
    chosen = (owner[:-1] == owner[1:]) & (sizes[:-1] == sizes[1:])
    pairs = owner[:-1][chosen]
    return np.bincount(pairs, alike[chosen], notes.n) / notes.count(pairs)


def _voices(music: Sequence[Bars]) -> np.ndarray:
    """(4, n): the traits `_OF_VOICES`."""
    found = np.full((4, len(music)), np.nan)
    chosen = [i for i, piece in enumerate(music) if _in_voices(piece)]
    if not chosen:
        return found
    roll = _roll([music[i] for i in chosen])
    bars = np.array([len(music[i].signatures) for i in chosen])
    sounds = roll > 0
    moves = np.diff(roll, axis=2) * (sounds[:, :, 1:] & sounds[:, :, :-1])
    for row, interval in enumerate((_FIFTH, _OCTAVE)):
        found[row, chosen] = sum(_parallels(roll, moves, i, j, interval) for i, j in _pairs(roll)) / bars
    steps, moved = np.abs(moves).sum((1, 2)), (moves != 0).sum((1, 2))
    crossed = sum(((roll[:, i] < roll[:, j]) & sounds[:, i] & sounds[:, j]).sum(1) for i, j in _pairs(roll, 1))
    together = sum((sounds[:, i] & sounds[:, j]).sum(1) for i, j in _pairs(roll, 1))
    with np.errstate(invalid="ignore", divide="ignore"):
        found[2:, chosen] = steps / moved, crossed / together
    return found


def _in_voices(piece: Bars) -> bool:
    """Whether there are several tracks, each with one note at a time, and no drums."""
    single = piece.single()
    return 1 < len(single) <= VOICES and all(single.values()) and max(single) // VOICES != DRUMS


def _roll(music: Sequence[Bars]) -> np.ndarray:
    """int16 (n, voices, steps): the pitch that each voice sounds, 0 for none; voices from high to low."""
    ends = [int((piece.notes["start"] + piece.notes["duration"]).max()) for piece in music]
    roll = np.zeros((len(music), max(len(piece.single()) for piece in music), max(ends)), np.int16)
    for row, piece in zip(roll, music):
        notes = piece.notes
        voice = np.unique(notes["track"], return_inverse=True)[1]
        means = np.bincount(voice, notes["pitch"]) / np.bincount(voice)
        rank = np.argsort(np.argsort(-means, kind="stable"))[voice]
        steps = np.arange(notes["duration"].sum()) - np.repeat(np.cumsum(notes["duration"]), notes["duration"])
        at = np.repeat(notes["start"] + notes["duration"], notes["duration"]) + steps
        row[np.repeat(rank, notes["duration"]), at] = np.repeat(notes["pitch"], notes["duration"])
    return roll


def _pairs(roll: np.ndarray, apart: int | None = None) -> Iterator[tuple[int, int]]:
    """Of voices, or of those that are so far apart."""
    return ((i, j) for i, j in combinations(range(roll.shape[1]), 2) if apart is None or j - i == apart)


def _parallels(roll: np.ndarray, moves: np.ndarray, i: int, j: int, interval: int) -> np.ndarray:
    """(n,) how often two voices move in one direction from this interval, or octaves more, to the same."""
    apart = np.abs(roll[:, i] - roll[:, j]) % 12 == interval
    together = moves[:, i] * moves[:, j] > 0
    return (together & apart[:, :-1] & apart[:, 1:]).sum(1)
