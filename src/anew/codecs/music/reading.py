"""What music comes as: files of MIDI, MusicXML and ABC, time steps of chorales, and scores of symusic; all as these."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np

from anew.codecs.codec import BadRecord
from anew.codecs.music.library import Note, Score, Tempo, Track
from anew.codecs.music.midi import check_midi

TICKS = 480  # of a quarter, in all that anew writes
TEMPO = 120.0  # quarters a minute, where nothing is said
VELOCITY = 80  # of notes that are learned without
_STEPS = 4  # time steps of a quarter
_TUNE = re.compile(rb"^X:", re.MULTILINE)
_REMEMBERED = 4_096  # pieces: preparing data reads each several times, and notation is slow to read


def read_score(content: Any) -> Score:
    """Bytes of a file, its path, a list of time steps, or a score; raises BadRecord."""
    if isinstance(content, Score):
        return content
    if isinstance(content, str | Path):
        content = _read(Path(content))
    if isinstance(content, list):
        return read_steps(content)
    if not isinstance(content, bytes):
        raise BadRecord(f"is a {type(content).__name__}; expected a file of MIDI, MusicXML or ABC")
    if not content:
        raise BadRecord("is empty")
    score = _read_midi(content) if content.startswith(b"MThd") else _read_notation(content)
    if not score.note_num():
        raise BadRecord("has no notes")
    return score


def read_steps(steps: Sequence[Any]) -> Score:
    """Sixteenths, each a list of the pitches that sound, from high to low; what is below 1 is a rest.

    A voice whose pitch stays goes on with its note. Where voices are missing, the pitches belong to those that are
    nearest to them in the piece. Raises BadRecord.
    """
    voices = _voices(steps)
    score = _score()
    for voice in voices:
        ends = np.flatnonzero(np.diff(voice, append=-1)) + 1
        starts = np.concatenate([[0], ends[:-1]])
        sounds = voice[starts] > 0
        score.tracks.append(track(starts[sounds], (ends - starts)[sounds], voice[starts][sounds], unit=TICKS // _STEPS))
    return score


def track(
    start: np.ndarray,
    duration: np.ndarray,
    pitch: np.ndarray,
    velocity: np.ndarray | int = VELOCITY,
    *,
    unit: int = 1,
    program: int = 0,
    drums: bool = False,
) -> Track:
    """Of notes (n,) at `start` for `duration`, both in `unit` ticks."""
    made = Track(program=program, is_drum=drums)
    times = [(values * unit).astype(np.int32) for values in (start, duration)]
    loud = np.broadcast_to(velocity, pitch.shape).astype(np.int8)
    made.notes = Note.from_numpy(*times, pitch.astype(np.int8), loud)
    return made


def _score() -> Score:
    score = Score(TICKS)
    score.tempos.append(Tempo(0, TEMPO))
    return score


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except (OSError, ValueError) as error:
        raise BadRecord("cannot be read") from error


def _read_midi(content: bytes) -> Score:
    check_midi(content)
    try:
        score = Score.from_midi(content)
        score.tracks = [part for part in score.tracks if len(part.notes)]  # the first often says the tempo alone
        return score
    except (RuntimeError, ValueError) as error:
        raise BadRecord(f"is a damaged MIDI file ({str(error).removeprefix('MiniMidi: ').split('!')[0]})") from error


@lru_cache(_REMEMBERED)
def _read_notation(content: bytes) -> Score:
    from anew.codecs.music import notation

    if content.startswith(b"PK"):
        return notation.read_xml(notation.unpacked(content))
    text = notation.decoded(content)
    if text.lstrip().startswith("<"):
        return notation.read_xml(text)
    if _TUNE.search(content):
        return notation.read_abc(text)
    raise BadRecord("is no music; expected MIDI, MusicXML or ABC")


def _voices(steps: Sequence[Any]) -> np.ndarray:
    """int64 (voices, steps), 0 where a voice rests."""
    try:
        heard = [[max(0, round(pitch or 0)) for pitch in step] for step in steps]
    except (TypeError, ValueError, OverflowError) as error:
        raise BadRecord("is no list of time steps; expected lists of pitches") from error
    count = max(map(len, heard), default=0)
    if not count or not any(map(any, heard)) or max(map(max, filter(None, heard))) > 127:
        raise BadRecord("has no notes, or some beyond 127")
    whole = np.array([step for step in heard if len(step) == count])
    middle = np.where(whole > 0, whole, np.nan)
    means = np.nanmean(middle, 0, where=whole > 0) if (whole > 0).any(0).all() else np.full(count, 0.0)
    return np.array([_placed(step, means) for step in heard]).T


def _placed(step: list[int], means: np.ndarray) -> list[int]:
    """With 0 for voices that are missing: the others are the nearest ones, in order."""
    if len(step) == len(means):
        return step
    places = min(combinations(range(len(means)), len(step)), key=lambda p: float(np.abs(means[list(p)] - step).sum()))
    placed = [0] * len(means)
    for place, pitch in zip(places, step):
        placed[place] = pitch
    return placed
