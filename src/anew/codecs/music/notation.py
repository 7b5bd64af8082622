"""Music that is written down: MusicXML and ABC, which music21 reads. Repeats are written once, as they stand there."""

from __future__ import annotations

import gc
import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from zipfile import BadZipFile, ZipFile

import numpy as np

from anew.codecs.codec import BadRecord
from anew.codecs.music.library import Score, Tempo, TimeSignature
from anew.codecs.music.reading import TICKS, track
from anew.errors import AnewError

_LARGEST = 2**27  # bytes of MusicXML, unpacked


def unpacked(content: bytes) -> str:
    """The score in a .mxl, which is a zip."""
    try:
        with ZipFile(io.BytesIO(content)) as archive:
            names = [name for name in archive.namelist() if not name.startswith("META-INF") and name.endswith("ml")]
            if not names or archive.getinfo(names[0]).file_size > _LARGEST:
                raise BadRecord("is a zip without MusicXML, or with too much of it")
            return decoded(archive.read(names[0]))
    except (BadZipFile, OSError, EOFError, RuntimeError, NotImplementedError, ValueError) as error:
        raise BadRecord(f"is a damaged zip ({error})") from error


def decoded(content: bytes) -> str:
    """UTF-8 or UTF-16 with a byte order mark, else Latin-1; with plain ends of lines."""
    wide = content[:2] in (b"\xff\xfe", b"\xfe\xff")
    try:
        text = content.decode("utf-16" if wide else "utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("latin-1")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def read_xml(text: str) -> Score:
    return _read("ConverterMusicXML", text)


def read_abc(text: str) -> Score:
    return _read("ConverterABC", text)


def _read(converter: str, text: str) -> Score:
    """Raises BadRecord for all that music21 does not read, whatever it raises."""
    try:
        from music21.converter import subConverters
    except ImportError as error:
        raise AnewError("MusicXML and ABC are read by music21: pip install 'anew[music]'") from error
    try:
        with _uncollected():
            reader = getattr(subConverters, converter)()
            reader.parseData(text)
            return _convert(reader.stream)
    except Exception as error:
        reason = " ".join(str(error).split())[:100] or type(error).__name__
        raise BadRecord(f"cannot be read as music ({reason})") from error


@contextmanager
def _uncollected() -> Iterator[None]:
    """music21 makes so many objects that looking for those no longer needed takes half of the time."""
    before = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if before:
            gc.enable()


def _convert(stream: Any) -> Score:
    """A track for each part. A first bar that is not full begins late, so that bars are where they are written."""
    from music21 import meter, tempo

    score = Score(TICKS)
    parts = [part.toSoundingPitch() if _transposes(part) else part for part in stream.parts]
    late = max(map(_missing, parts), default=0)
    for part in parts:
        notes = _notes(part.flatten())
        program = part.getInstrument().midiProgram or 0
        score.tracks.append(track(notes[0] + late, notes[1], notes[2], program=program))
    flat = parts[0].flatten() if parts else stream
    for found in flat.getElementsByClass(meter.TimeSignature):
        at = _ticks(found.offset)
        score.time_signatures.append(TimeSignature(at + late if at else 0, found.numerator, found.denominator))
    for found in flat.getElementsByClass(tempo.MetronomeMark):
        at, speed = _ticks(found.offset), found.getQuarterBPM()
        if speed:
            score.tempos.append(Tempo(at + late if at else 0, speed))
    return score


def _notes(part: Any) -> np.ndarray:
    """int64 (3, n): start, duration (ticks) and pitch; tied notes are one. Without grace notes and chord symbols."""
    rows: list[list[int]] = []
    tied: dict[int, list[int]] = {}  # pitch -> the note that goes on
    for element in part.notes:
        start, duration = _ticks(element.offset), _ticks(element.quarterLength)
        for note in getattr(element, "notes", [element]):
            if "ChordSymbol" in element.classes or not hasattr(note, "pitch") or not duration:
                continue
            pitch, tie = note.pitch.midi, (note.tie or element.tie)
            before = tied.pop(pitch, None)
            if before and tie and tie.type in ("continue", "stop") and sum(before[:2]) == start:
                before[1] += duration
                row = before
            else:
                rows.append(row := [start, duration, pitch])
            if tie and tie.type in ("start", "continue"):
                tied[pitch] = row
    found = np.array(rows, np.int64).reshape(-1, 3).T
    return found[:, (found[2] >= 0) & (found[2] < 128)]


def _missing(part: Any) -> int:
    """Ticks by which the first bar is too short."""
    first = part.getElementsByClass("Measure").first()
    if first is None or first.timeSignature is None:
        return 0
    return max(0, _ticks(first.timeSignature.barDuration.quarterLength) - _ticks(first.duration.quarterLength))


def _transposes(part: Any) -> bool:
    return any(instrument.transposition is not None for instrument in part.getInstruments())


def _ticks(quarters: Any) -> int:
    return round(quarters * TICKS)
