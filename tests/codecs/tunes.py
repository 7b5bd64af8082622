"""Music to test with."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from symusic import Note, Score, Tempo, TimeSignature, Track

from anew.codecs import make_codec
from anew.codecs.music.codec import MusicCodec

Notes = Iterable[tuple[int, int, int]]  # (start, duration, pitch) in sixteenths


def score(
    *tracks: Notes,
    programs: Sequence[int] = (),
    signatures: Iterable[tuple[int, int, int]] = (),
    tempos: Iterable[tuple[int, float]] = (),
    velocity: int = 80,
    tpq: int = 480,
) -> Score:
    """Program 128 is drums; what changes comes with its time in sixteenths."""
    made, unit = Score(tpq), tpq // 4
    for number, notes in enumerate(tracks):
        program = programs[number] if programs else 0
        track = Track(program=program % 128, is_drum=program == 128)
        for start, duration, pitch in notes:
            track.notes.append(Note(start * unit, duration * unit, pitch, velocity))
        made.tracks.append(track)
    for time, numerator, denominator in signatures:
        made.time_signatures.append(TimeSignature(time * unit, numerator, denominator))
    for time, tempo in tempos:
        made.tempos.append(Tempo(time * unit, tempo))
    return made


def chorale(seed: int, bars: int = 4) -> list[list[int]]:
    """Time steps of four voices that move together by small steps."""
    rng = np.random.default_rng(seed)
    voices = np.array([72, 65, 58, 48]) + rng.integers(-2, 3, (4 * bars, 4)).cumsum(0).clip(-6, 6)
    return np.repeat(voices, rng.choice([2, 4, 6], 4 * bars), 0)[: 16 * bars].tolist()


def fitted(*contents: Any, **options: Any) -> MusicCodec:
    codec = make_codec("music", {name: str(value) for name, value in options.items()})
    assert isinstance(codec, MusicCodec)
    codec.fit(codec.load(content) for content in contents)
    return codec


def notes_of(made: Score) -> list[list[tuple[int, int, int]]]:
    """Of each track, in sixteenths: as `score` takes them."""
    unit = made.tpq // 4
    return [sorted((note.time // unit, note.duration // unit, note.pitch) for note in t.notes) for t in made.tracks]
