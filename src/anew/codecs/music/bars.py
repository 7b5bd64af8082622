"""Scores on a grid of bars: notes that begin and end at steps, in bars that follow each other without a gap."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import groupby, pairwise

import numpy as np

from anew.codecs.music.library import Score, Tempo, TimeSignature
from anew.codecs.music.reading import TEMPO, TICKS, track

DRUMS = 128  # in place of a program
VOICES = 16  # tracks of one instrument that are told apart
LONGEST = 16  # quarters of a note
SILENT = 4  # bars without a note, one after the other, that are kept of a piece
_USUAL = (4, 4)
_LONGEST_BAR = 16  # quarters

# A note: `start` in steps from the beginning, `track` = program * VOICES + voice, `duration` in steps.
_FIELDS = ("start", "track", "pitch", "duration", "velocity")
NOTE = np.dtype([(name, np.int32) for name in _FIELDS])
_LONG = np.dtype([(name, np.int64) for name in _FIELDS])  # of what comes from files: times may be huge


@dataclass(frozen=True)
class Bars:
    """Music on a grid with `grid` steps a quarter. Its bars end with the one in which the last note begins."""

    grid: int
    signatures: np.ndarray  # int (bars, 2): 3, 4
    tempos: np.ndarray  # float (bars,): quarters a minute
    notes: np.ndarray  # NOTE (n,): by start, track and pitch, no two of them alike in all three

    @property
    def sizes(self) -> np.ndarray:
        """Steps of each bar."""
        return 4 * self.grid * self.signatures[:, 0] // self.signatures[:, 1]

    @property
    def starts(self) -> np.ndarray:
        """(bars + 1,) the step at which each bar begins, and the last one ends."""
        return np.concatenate([[0], np.cumsum(self.sizes)])

    def bar_of(self, steps: np.ndarray) -> np.ndarray:
        """(n,) the number of the bar that each of the steps (n,) lies in."""
        return np.searchsorted(self.starts, steps, side="right") - 1

    def single(self) -> dict[int, bool]:
        """Whether each track sounds one note at a time."""
        notes = self.notes[np.lexsort((self.notes["start"], self.notes["track"]))]
        ends, tracks = notes["start"] + notes["duration"], notes["track"]
        several = tracks[1:][(tracks[1:] == tracks[:-1]) & (notes["start"][1:] < ends[:-1])]
        return {track: track not in several for track in np.unique(tracks).tolist()}

    def part(self, first: int, end: int) -> Bars:
        """The notes that begin in the bars from `first` to `end`, and these bars."""
        inside = self.notes[slice(*np.searchsorted(self.notes["start"], self.starts[[first, end]]))].copy()
        inside["start"] -= self.starts[first]
        return _closed(
            replace(self, signatures=self.signatures[first:end], tempos=self.tempos[first:end], notes=inside)
        )

    def transposed(self, by: int) -> Bars:
        """Semitones up; drums stay, and what would leave the range of MIDI moves by an octave less."""
        notes = self.notes.copy()
        moved = notes["pitch"] + np.where(notes["track"] // VOICES == DRUMS, 0, by)
        notes["pitch"] = np.where(moved > 127, moved - 12, np.where(moved < 0, moved + 12, moved))
        return replace(self, notes=clean(notes))


def read_bars(score: Score, grid: int, voices: bool = True, silent: int | None = None) -> Bars:
    """A score on the grid. With `silent`, no more empty bars in a row than that, and none before the first note.

    Time signatures count from the next bar line; those that do not fit the grid are 4/4. A note ends where another of
    its pitch and track begins. Without `voices`, tracks of one instrument are one.
    """
    notes = _notes(score, grid, voices)
    if not len(notes):
        return Bars(grid, np.zeros((0, 2), np.int64), np.zeros(0), notes.astype(NOTE))
    lines = _Lines(score, grid)
    bars = lines.bar_of(notes["start"])
    kept = _kept(np.unique(bars), silent)
    signatures, before = lines.signatures[lines.segment(kept)], lines.start_of(kept)
    read = Bars(grid, signatures, _tempos(score, grid, before), notes.astype(NOTE))
    place = np.searchsorted(kept, bars)
    read.notes["start"] = notes["start"] - before[place] + read.starts[place]
    return read


def write_bars(bars: Bars) -> Score:
    """Inverse of `read_bars`. The voices of an instrument keep their places: one that rests is an empty track."""
    score, unit, starts = Score(TICKS), TICKS // bars.grid, bars.starts
    for (numerator, denominator), run in groupby(range(len(bars.sizes)), lambda i: tuple(bars.signatures[i])):
        score.time_signatures.append(TimeSignature(int(starts[next(run)] * unit), int(numerator), int(denominator)))
    for tempo, run in groupby(range(len(bars.sizes)), lambda i: float(bars.tempos[i])):
        score.tempos.append(Tempo(int(starts[next(run)] * unit), tempo))
    used = np.unique(bars.notes["track"])
    for program in np.unique(used // VOICES):
        for number in range(program * VOICES, used[used // VOICES == program].max() + 1):
            part, drums = bars.notes[bars.notes["track"] == number], bool(program == DRUMS)
            told = [part[name] for name in ("start", "duration", "pitch", "velocity")]
            score.tracks.append(track(*told, unit=unit, program=0 if drums else int(program), drums=drums))
    return score


def cut(bars: Bars, length: int, per_bar: int, per_note: int) -> Iterator[Bars]:
    """Passages of whole bars, about as long as each other, of at most `length` codes.

    A bar takes `per_bar` codes, a note `per_note`, and one each place within a bar where notes begin. Of a bar with
    more, the first notes are kept.
    """
    each = costs(bars, per_bar, per_note)
    full = (length - per_bar) // (per_note + 1)  # notes that fit wherever they begin
    for first, end in pairwise([0, *_ends(each, length)]):
        passage = bars.part(first, end)
        if each[first] > length:  # it is one bar
            passage = replace(passage, notes=passage.notes[:full])
        if len(passage.notes):
            yield passage


def _ends(each: np.ndarray, length: int) -> list[int]:
    """After which bars to cut, so that those of a passage take at most so many codes together, or are one bar."""
    left, room = int(each.sum()), length - min(length, int(each.max())) / 2
    if left <= length:
        return [len(each)]
    ends, taken = [], 0
    for bar, cost in enumerate(each.tolist()):
        even = left / math.ceil(left / room)
        if taken and (taken + cost > length or taken + cost / 2 > even):
            ends.append(bar)
            left, taken = left - taken, 0
        taken += cost
    return [*ends, len(each)]


def costs(bars: Bars, per_bar: int, per_note: int) -> np.ndarray:
    """(bars,) codes of each, at most."""
    count, starts = len(bars.sizes), np.unique(bars.notes["start"])
    places = np.bincount(bars.bar_of(starts[~np.isin(starts, bars.starts)]), minlength=count)
    return per_bar + places + per_note * np.bincount(bars.bar_of(bars.notes["start"]), minlength=count)


def clean(notes: np.ndarray) -> np.ndarray:
    """In order; of notes that begin at once the longest, and each until the next of its pitch and track."""
    notes = notes[np.lexsort((-notes["duration"], notes["start"], notes["pitch"], notes["track"]))]
    again = (np.diff(notes["track"]) == 0) & (np.diff(notes["pitch"]) == 0)
    first = np.concatenate([[True], ~again | (np.diff(notes["start"]) > 0)])[: len(notes)]
    notes, again = notes[first], again[first[1:]]
    gap = np.where(again, np.diff(notes["start"]), notes["duration"][:-1])
    notes["duration"][:-1] = np.minimum(notes["duration"][:-1], gap)
    return notes[np.lexsort((notes["pitch"], notes["track"], notes["start"]))]


def _notes(score: Score, grid: int, voices: bool) -> np.ndarray:
    found = [np.zeros(0, _LONG)]
    seen: Counter[int] = Counter()
    for part in score.tracks:
        program = DRUMS if part.is_drum else int(np.clip(part.program, 0, 127))
        values = part.notes.numpy()
        notes = np.zeros(len(values["time"]), _LONG)
        start = _steps(values["time"], score.tpq, grid)
        end = _steps(values["time"].astype(np.int64) + values["duration"], score.tpq, grid)
        notes["start"], notes["duration"] = start, np.clip(end - start, 1, LONGEST * grid)
        notes["track"] = program * VOICES + min(seen[program], VOICES - 1)
        notes["pitch"], notes["velocity"] = values["pitch"], values["velocity"]
        found.append(notes[(start >= 0) & (notes["pitch"] >= 0) & (notes["velocity"] > 0)])
        seen[program] += voices and program != DRUMS
    return clean(np.concatenate(found))


def _steps(ticks: np.ndarray, tpq: int, grid: int) -> np.ndarray:
    return (2 * ticks.astype(np.int64) * grid + tpq) // (2 * tpq)


class _Lines:
    """Where bar lines are: segments of bars of one size."""

    def __init__(self, score: Score, grid: int) -> None:
        rows = [(0, 0, *_USUAL)]  # first bar, its start (steps), numerator, denominator
        changes = score.time_signatures.numpy()
        columns = zip(changes["time"], changes["numerator"], changes["denominator"])
        for time, *signature in sorted(columns, key=lambda row: row[0]):
            bar, start, *before = rows[-1]
            size = 4 * grid * before[0] // before[1]
            passed = max(0, -(-(int(_steps(time, score.tpq, grid)) - start) // size))
            rows[len(rows) - (passed == 0) :] = [(bar + passed, start + passed * size, *_usable(signature, grid))]
        table = np.array(rows, np.int64)
        self._bars, self._starts, self.signatures = table[:, 0], table[:, 1], table[:, 2:]
        self._sizes = 4 * grid * self.signatures[:, 0] // self.signatures[:, 1]

    def segment(self, bars: np.ndarray) -> np.ndarray:
        return np.searchsorted(self._bars, bars, side="right") - 1

    def bar_of(self, steps: np.ndarray) -> np.ndarray:
        at = np.searchsorted(self._starts, steps, side="right") - 1
        return self._bars[at] + (steps - self._starts[at]) // self._sizes[at]

    def start_of(self, bars: np.ndarray) -> np.ndarray:
        at = self.segment(bars)
        return self._starts[at] + (bars - self._bars[at]) * self._sizes[at]


def _usable(signature: list[int], grid: int) -> tuple[int, int]:
    numerator, denominator = map(int, signature)
    fits = denominator > 0 and 4 * grid * numerator % denominator == 0
    return (numerator, denominator) if fits and 0 < 4 * numerator <= _LONGEST_BAR * denominator else _USUAL


def _kept(used: np.ndarray, silent: int | None) -> np.ndarray:
    """The numbers of all bars, or of those with notes and few of the empty ones before each."""
    if silent is None:
        return np.arange(used[-1] + 1)
    empty = np.minimum(np.diff(used, prepend=used[0] - 1) - 1, silent)
    return np.concatenate([np.arange(bar - before, bar + 1) for bar, before in zip(used, empty)])


def _tempos(score: Score, grid: int, starts: np.ndarray) -> np.ndarray:
    """Of each bar: the one that holds where it begins."""
    changes = score.tempos.numpy()
    order = np.argsort(changes["time"], kind="stable")
    times = _steps(changes["time"][order], score.tpq, grid)
    speeds = np.concatenate([[TEMPO], 6e7 / np.maximum(changes["mspq"][order], 1)])
    speeds = np.where((speeds >= 10) & (speeds <= 500), speeds, TEMPO)
    return speeds[np.searchsorted(times, starts, side="right")]


def _closed(bars: Bars) -> Bars:
    """Without empty bars at the end."""
    last = int(bars.bar_of(bars.notes["start"])[-1]) + 1 if len(bars.notes) else 0
    return replace(bars, signatures=bars.signatures[:last], tempos=bars.tempos[:last])
