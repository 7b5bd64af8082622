"""Files of music are read, whatever wrote them; what is none is a bad record, and never the end of Python."""

from __future__ import annotations

import io
import sys
from importlib import import_module
from pathlib import Path
from zipfile import ZipFile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from symusic import Score
from tunes import notes_of, score

from anew.codecs.codec import BadRecord
from anew.codecs.music.bars import read_bars
from anew.codecs.music.reading import read_score
from anew.errors import AnewError

MIDI = score(
    [(0, 4, 60), (4, 4, 64)], [(0, 8, 36)], programs=(5, 128), signatures=[(0, 3, 4)], tempos=[(0, 90)]
).dumps_midi()

NOTE = "<note><pitch><step>{}</step><octave>4</octave></pitch><duration>{}</duration>{}</note>"
XML = """<?xml version="1.0" encoding="UTF-8"?>
<score-partwise version="4.0">
  <part-list><score-part id="P1"><part-name>Hörner</part-name></score-part></part-list>
  <part id="P1">
    <measure number="0" implicit="yes">
      <attributes><divisions>2</divisions><time><beats>3</beats><beat-type>4</beat-type></time></attributes>
      <direction><sound tempo="90"/></direction>{}
    </measure>
    <measure number="1">{}{}</measure>
    <measure number="2">{}<note><chord/><pitch><step>G</step><octave>4</octave></pitch><duration>2</duration></note>
      <note><grace/><pitch><step>A</step><octave>4</octave></pitch></note></measure>
  </part>
</score-partwise>""".format(
    NOTE.format("C", 2, ""),
    NOTE.format("D", 2, ""),
    NOTE.format("E", 4, '<tie type="start"/>'),
    NOTE.format("E", 2, '<tie type="stop"/>'),
)
# The first bar has one quarter of three: it begins on the third.
WRITTEN = [(8, 4, 60), (12, 4, 62), (16, 12, 64), (24, 4, 67)]
ABC = "X:1\nT:A tune\nM:6/8\nL:1/8\nK:D\nDEF G2A|B3 d3|]\n"


def mxl(text: str, name: str = "score.xml") -> bytes:
    file = io.BytesIO()
    with ZipFile(file, "w") as archive:
        archive.writestr("META-INF/container.xml", "<container/>")
        archive.writestr(name, text)
    return file.getvalue()


def test_midi():
    read = read_score(MIDI)
    assert notes_of(read) == [[(0, 4, 60), (4, 4, 64)], [(0, 8, 36)]]
    assert [track.is_drum for track in read.tracks] == [False, True]


@pytest.mark.parametrize(
    "content",
    [XML.encode(), XML.encode("utf-8-sig"), XML.replace("\n", "\r\n").encode(), XML.encode("utf-16"), mxl(XML)],
    ids=["utf-8", "bom", "crlf", "utf-16", "mxl"],
)
def test_musicxml(content: bytes):
    read = read_score(content)
    assert notes_of(read) == [WRITTEN]
    assert [(sign.time, sign.numerator) for sign in read.time_signatures] == [(0, 3)]
    assert [round(tempo.qpm) for tempo in read.tempos] == [90]


@pytest.mark.parametrize("text", [ABC, ABC.replace("\n", "\r\n"), "%abc-2.1\n" + ABC])
def test_abc(text: str):
    read = read_score(text.encode())
    assert notes_of(read) == [[(0, 2, 62), (2, 2, 64), (4, 2, 66), (6, 4, 67), (10, 2, 69), (12, 6, 71), (18, 6, 74)]]
    assert read.time_signatures[0].numerator == 6


def test_time_steps_are_held_notes_and_rests():
    read = read_score([[60, 48]] * 4 + [[62.0, 48]] * 2 + [[-1, 48], [None, 48], [62, 50]])
    assert notes_of(read) == [[(0, 4, 60), (4, 2, 62), (8, 1, 62)], [(0, 8, 48), (8, 1, 50)]]


def test_missing_voices_are_those_that_are_not_near():
    step = [72, 65, 58, 48]
    read = read_score([step, [73, 59, 47], [64], [], step])
    assert notes_of(read) == [
        [(0, 1, 72), (1, 1, 73), (4, 1, 72)],
        [(0, 1, 65), (2, 1, 64), (4, 1, 65)],
        [(0, 1, 58), (1, 1, 59), (4, 1, 58)],
        [(0, 1, 48), (1, 1, 47), (4, 1, 48)],
    ]


def test_paths_and_scores_are_read_too(tmp_path: Path):
    path = tmp_path / "曲 一.mid"
    path.write_bytes(MIDI)
    assert read_score(path) == read_score(str(path)) == read_score(MIDI)
    assert read_score(read_score(MIDI)) == read_score(MIDI)
    with pytest.raises(BadRecord, match="cannot be read"):
        read_score(tmp_path / "nothing.mid")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "is empty"),
        (b"\0\xff\0", "is no music"),
        (b"Once upon a time", "is no music"),
        (b"\x89PNG\r\n\x1a\n", "is no music"),
        (MIDI[:-9], "cut off or damaged"),
        (MIDI[:25], "cut off or damaged"),
        (b"MThd", "cut off or damaged"),
        (MIDI[:12] + b"\xe7\x28" + MIDI[14:], "counts time in frames"),
        (MIDI[:12] + b"\0\0" + MIDI[14:], "counts time in frames"),
        (MIDI.replace(bytes([0x90, 60]), bytes([0x90, 200])), "cut off or damaged"),  # this ends symusic, and Python
        (score([]).dumps_midi(), "has no notes"),
        (b"<html><body>404</body></html>", "cannot be read as music"),
        (XML[:300].encode(), "cannot be read as music"),
        (XML.replace("score-partwise", "score-timewise").encode(), "cannot be read as music"),
        (b"PK\3\4 and no more", "is a damaged zip"),
        (mxl("", "readme.txt"), "is a zip without MusicXML"),
        (b"X:1\nK:nonsense\n|||", "no notes|cannot be read as music"),
        ([], "has no notes"),
        ([[]], "has no notes"),
        ([[-1, 0]] * 4, "has no notes"),
        ([[60, 200]], "has no notes, or some beyond 127"),
        ([60, 62], "is no list of time steps"),
        ([["C4"]], "is no list of time steps"),
        (None, "is a NoneType; expected a file of MIDI, MusicXML or ABC"),
    ],
)
def test_what_is_no_music_is_a_bad_record(content, reason: str):
    with pytest.raises(BadRecord, match=reason):
        read_score(content)


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_damaged_midi_is_read_or_a_bad_record(data):
    content = bytearray(MIDI)
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(content) - 1))
        content[place : place + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=5))
    try:
        read = read_bars(read_score(bytes(content)), 4, silent=4)
    except BadRecord:
        return
    assert (np.diff(read.notes["start"]) >= 0).all()
    assert len(read.signatures) < 100


def test_tempos_that_make_no_sense_are_the_usual_one():
    for tempo in (b"\0\0\0", b"\xff\xff\xff"):
        content = MIDI.replace(b"\xff\x51\x03" + MIDI[MIDI.index(b"\xff\x51\x03") + 3 :][:3], b"\xff\x51\x03" + tempo)
        assert content != MIDI
        assert set(read_bars(read_score(content), 4).tempos.tolist()) == {120}


def test_times_that_are_huge_take_no_memory():
    far = score([(0, 4, 60), (2**28, 4, 62)], tpq=4)
    read = read_bars(far, 24, silent=4)
    assert len(read.signatures) == 6
    assert read.notes["start"].tolist() == [0, 5 * 96]


def test_silence_before_the_first_note_is_left_out_by_bars():
    late = score([(35, 1, 60)], signatures=[(0, 4, 4)])
    assert read_bars(late, 4, silent=4).notes["start"].tolist() == [3]
    assert read_bars(late, 4).notes["start"].tolist() == [35]


def test_what_reads_music_may_be_missing(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "music21", None)
    monkeypatch.setitem(sys.modules, "music21.converter", None)
    with pytest.raises(AnewError, match=r"pip install 'anew\[music\]'"):
        read_score(XML.replace("Hörner", "another").encode())
    monkeypatch.setitem(sys.modules, "symusic", None)
    monkeypatch.delitem(sys.modules, "anew.codecs.music.library")
    with pytest.raises(AnewError, match=r"symusic: pip install 'anew\[music\]'"):
        import_module("anew.codecs.music.library")


def test_a_format_that_packs_all_in_one_track():
    one = score([(0, 4, 60)], [(0, 4, 40)], programs=(0, 33)).dumps_midi()
    both = Score.from_midi(one)
    assert [track.program for track in read_score(both.dumps_midi()).tracks] == [0, 33]
