"""Music as codes: bars, places in them, notes and how long they are (Huang and Yang 2020, Pop Music Transformer).

A bar says its time signature. A note is one code for its track and its pitch (Payne 2019, MuseNet), so that voices
keep apart. In brackets what is learned only where it is asked for:

    BAR [TEMPO] NOTE [VELOCITY] DURATION NOTE [VELOCITY] DURATION PLACE NOTE [VELOCITY] DURATION ...

Notes that begin at once come in the order of their codes, so music can be written in one way only.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum
from functools import cached_property
from typing import Any

import numpy as np

from anew.codecs.music.bars import DRUMS, NOTE, VOICES, Bars, clean
from anew.codecs.music.reading import VELOCITY
from anew.errors import AnewError

_LOUDNESS = 16  # velocities that are one
_TEMPOS = np.round(120 * 2 ** (np.arange(-12, 13) / 6))  # quarters a minute, six from one to its double


class Kind(IntEnum):
    """Of a code; those of one kind lie side by side, in this order."""

    END = 0
    BAR = 1
    TEMPO = 2
    PLACE = 3
    NOTE = 4
    VELOCITY = 5
    DURATION = 6


@dataclass(frozen=True)
class Events:
    """All that can be said. What training never had is written as the nearest that it had.

    Each is in order: `bars` are time signatures, `places` steps from the beginning of a bar, from 1 on, `notes` (track,
    pitch), `durations` steps. `single` are the tracks that never sound two notes at once. `tempo` (quarters a minute)
    is that of all music, where tempos are not learned.
    """

    grid: int
    tempo: float
    bars: tuple[tuple[int, int], ...]
    tempos: tuple[int, ...]
    places: tuple[int, ...]
    notes: tuple[tuple[int, int], ...]
    velocities: tuple[int, ...]
    durations: tuple[int, ...]
    single: tuple[int, ...]

    @classmethod
    def learn(cls, music: Iterable[Bars], grid: int, tempo: bool, velocity: bool) -> Events:
        """From what occurs in it."""
        found: dict[str, set[Any]] = {
            name: set() for name in ("bars", "tempos", "places", "notes", "loud", "durations")
        }
        tracks: dict[int, bool] = {}  # whether each sounds one note at a time
        speeds = []
        for passage in music:
            notes, speed = passage.notes, passage.tempos
            found["bars"].update(map(tuple, passage.signatures.tolist()))
            found["tempos"].update(_TEMPOS[_nearest(_TEMPOS, speed)].tolist() if tempo else ())
            found["places"].update((notes["start"] - passage.starts[passage.bar_of(notes["start"])]).tolist())
            found["notes"].update(zip(notes["track"].tolist(), notes["pitch"].tolist()))
            found["loud"].update((notes["velocity"] // _LOUDNESS).tolist() if velocity else ())
            found["durations"].update(notes["duration"].tolist())
            tracks |= {track: tracks.get(track, True) and single for track, single in passage.single().items()}
            speeds.append(np.median(speed))
        if not speeds:
            raise AnewError("there is no music to learn from; expected at least one piece")
        return cls(
            grid=grid,
            tempo=float(np.median(speeds)),
            bars=tuple(sorted(found["bars"], key=lambda bar: (bar[0] / bar[1], bar))),
            tempos=tuple(sorted(found["tempos"])),
            places=tuple(sorted(found["places"] - {0})),
            notes=tuple(sorted(found["notes"])),
            velocities=tuple(_LOUDNESS * part + _LOUDNESS // 2 for part in sorted(found["loud"])),
            durations=tuple(sorted(found["durations"])),
            single=tuple(sorted(track for track, single in tracks.items() if single)),
        )

    @classmethod
    def from_json(cls, state: Mapping[str, Any]) -> Events:
        return cls(**{name: _frozen(value) for name, value in state.items()})

    # --- the table of codes

    @cached_property
    def values(self) -> np.ndarray:
        """int (vocabulary + 1, 2): what each code says."""
        return np.concatenate([np.pad(part, ((0, 0), (0, 2 - part.shape[1]))) for part in self._parts])

    @property
    def vocabulary(self) -> int:
        return len(self.values) - 1

    @cached_property
    def kinds(self) -> np.ndarray:
        """int (vocabulary + 1,)"""
        return np.repeat(np.arange(len(Kind)), [len(part) for part in self._parts])

    @cached_property
    def first(self) -> np.ndarray:
        """(kinds,) the first code of each."""
        return np.cumsum([0, *map(len, self._parts[:-1])])

    @cached_property
    def sizes(self) -> np.ndarray:
        """(bars,) steps of the bars with each time signature."""
        return 4 * self.grid * self._parts[Kind.BAR][:, 0] // self._parts[Kind.BAR][:, 1]

    @cached_property
    def _parts(self) -> list[np.ndarray]:
        """Of each kind, what its codes say: int (codes, 1 or 2)."""
        single = (self.tempos, self.places, self.notes, self.velocities, self.durations)
        parts = ([0], self.bars, *single)
        return [np.array(part, np.int64).reshape(len(part), -1 if len(part) else 1) for part in parts]

    # --- from music to codes and back

    def encode(self, music: Bars) -> np.ndarray:
        """(codes,)"""
        codes = self._code_notes(music.notes)
        notes, codes = music.notes[codes > 0], codes[codes > 0]
        lines = self._nearest_bars(music)
        bar = music.bar_of(notes["start"])
        place = np.minimum(notes["start"] - music.starts[bar], self.sizes[lines][bar] - 1)
        place = _below((0, *self.places), place)
        order = np.lexsort((codes, place, bar))
        keys = np.stack([bar, place, codes])[:, order]
        new = np.diff(keys, axis=1, prepend=-1).any(0)  # what was two notes may now be one
        notes, (bar, place, codes) = notes[order][new], keys[:, new]
        begun = np.unique(keys[:2, keys[1] > 0], axis=1)
        rows = [
            _rows(np.arange(len(lines)), -1, 0, 0, self.first[Kind.BAR] + lines),
            _rows(*begun, 0, 0, self.first[Kind.PLACE] + begun[1] - 1),
            _rows(bar, place, codes, 0, codes),
            _rows(bar, place, codes, 2, self.first[Kind.DURATION] + _below(self.durations, notes["duration"])),
        ]
        if self.velocities:
            loud = _nearest(self.velocities, notes["velocity"])
            rows.append(_rows(bar, place, codes, 1, self.first[Kind.VELOCITY] + loud))
        if self.tempos:
            speed = _nearest(self.tempos, music.tempos)
            changed = np.flatnonzero(np.diff(speed, prepend=-1))
            rows.append(_rows(changed, -1, 0, 1, self.first[Kind.TEMPO] + speed[changed]))
        table = np.concatenate(rows, axis=1)
        return table[4, np.lexsort(table[3::-1])]

    def decode(self, codes: Sequence[int]) -> Bars:
        """Of any codes: those that make no sense where they stand are left out, as is a note that is cut off."""
        row = np.array(codes, np.int64)
        bar = np.cumsum(self.kinds[row] == Kind.BAR) - 1
        row, bar = row[bar >= 0], bar[bar >= 0]
        kinds, values = self.kinds[row], self.values[row]
        signatures = values[kinds == Kind.BAR]
        music = Bars(self.grid, signatures, self._read_tempos(len(signatures), bar, kinds, values), np.zeros(0, NOTE))
        moves = np.isin(kinds, (Kind.BAR, Kind.PLACE))
        moved = np.maximum.accumulate(np.where(moves, np.arange(len(row)), 0))
        place = np.where(kinds[moved] == Kind.PLACE, values[moved, 0], 0)
        start = music.starts[bar] + np.where(place < music.sizes[bar], place, 0)
        last = 2 if self.velocities else 1
        whole = np.flatnonzero((kinds[:-last] == Kind.NOTE) & (kinds[last:] == Kind.DURATION))
        whole = whole[kinds[whole + 1] == Kind.VELOCITY] if self.velocities else whole
        notes = np.zeros(len(whole), NOTE)
        notes["start"], notes["duration"] = start[whole], values[whole + last, 0]
        notes["track"], notes["pitch"] = values[whole].T
        notes["velocity"] = values[whole + 1, 0] if self.velocities else VELOCITY
        return replace(music, notes=clean(notes)).part(0, len(signatures))

    def _nearest_bars(self, music: Bars) -> np.ndarray:
        """(bars,) the place in `bars` of each one's time signature, or of the one nearest in length."""
        known = {signature: place for place, signature in enumerate(self.bars)}
        nearest = _nearest(self.sizes, music.sizes).tolist()
        signatures = map(tuple, music.signatures.tolist())
        return np.array([known.get(bar, place) for bar, place in zip(signatures, nearest)], np.int64)

    def _code_notes(self, notes: np.ndarray) -> np.ndarray:
        """(n,) codes of notes, 0 for those that nothing is near to."""
        keys, back = np.unique(np.stack([notes["track"], notes["pitch"]]), axis=1, return_inverse=True)
        return np.array([self._code_note(*key) for key in keys.T.tolist()], np.int64)[back.reshape(-1)]

    def _code_note(self, track: int, pitch: int) -> int:
        """The nearest track is one of the nearest program; drums are near to drums only."""
        if (track, pitch) not in self._known:
            drums = track // VOICES == DRUMS
            near = [(abs(t // VOICES - track // VOICES), abs(t - track), abs(p - pitch), t, p) for t, p in self.notes]
            near = [one for one in near if (one[-2] // VOICES == DRUMS) == drums]
            self._known[track, pitch] = self._known[min(near)[-2:]] if near else 0
        return self._known[track, pitch]

    @cached_property
    def _known(self) -> dict[tuple[int, int], int]:
        return {note: code for code, note in enumerate(self.notes, int(self.first[Kind.NOTE]))}

    def _read_tempos(self, count: int, bar: np.ndarray, kinds: np.ndarray, values: np.ndarray) -> np.ndarray:
        """(bars,) each lasting until the next."""
        tempos, told = np.zeros(count), kinds == Kind.TEMPO
        tempos[bar[told]] = values[told, 0]
        last = np.maximum.accumulate(np.where(tempos > 0, np.arange(count), -1))
        return np.where(last >= 0, tempos[last], self.tempo)


def _frozen(value: Any) -> Any:
    """With tuples for lists."""
    return tuple(map(_frozen, value)) if isinstance(value, list | tuple) else value


def _rows(*columns: Any) -> np.ndarray:
    """int (5, n): the bar, the place in it, which of what is there, which code of that, and the code."""
    return np.stack(np.broadcast_arrays(*columns))


def _below(known: Sequence[int], values: np.ndarray) -> np.ndarray:
    """The places in `known`, which is in order, of the largest that are not above `values`; else of the first."""
    return np.maximum(np.searchsorted(known, values, side="right") - 1, 0)


def _nearest(known: Any, values: np.ndarray) -> np.ndarray:
    """The places in `known`, which is in order, of what is nearest to each of `values`."""
    table = np.asarray(known)
    return np.searchsorted((table[1:] + table[:-1]) / 2, values)
