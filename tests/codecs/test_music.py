"""Music becomes codes and music again."""

from __future__ import annotations

import io
import re
import wave

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from symusic import Score
from tunes import chorale, fitted, notes_of, score

from anew.codecs import make_codec
from anew.codecs.codec import BadRecord
from anew.codecs.music.events import Kind
from anew.codecs.music.sound import RATE
from anew.errors import AnewError

SCALE = [(4 * i, 4, 60 + pitch) for i, pitch in enumerate((0, 2, 4, 5, 7, 9, 11, 12))]


def kinds(codec, row: torch.Tensor) -> list[str]:
    return [Kind(kind).name for kind in codec.events.kinds[row[row > 0].numpy()]]


def back(codec, content) -> Score:
    return codec.decode(codec.encode([codec.load(content)]))[0]


def test_a_tune_as_codes():
    codec = fitted(score([(0, 4, 60), (4, 2, 62), (16, 4, 60)]))
    x = codec.encode([score([(0, 4, 60), (4, 2, 62), (16, 4, 60)])])[0]
    assert kinds(codec, x) == ["BAR", "NOTE", "DURATION", "PLACE", "NOTE", "DURATION", "BAR", "NOTE", "DURATION"]
    assert codec.space.vocabulary == 1 + 1 + 2 + 2
    assert codec.space.length == len(x) == 9


def test_voices_of_one_instrument_stay_apart_even_if_they_cross_or_rest():
    voices = score([(0, 4, 60), (4, 4, 62)], [(0, 4, 60), (4, 4, 67)], [(8, 4, 50)])
    codec = fitted(voices)
    assert notes_of(back(codec, voices)) == notes_of(voices)
    alone = score([], [(0, 4, 67)])
    assert notes_of(codec.decode(codec.encode([alone]))[0]) == notes_of(alone)


def test_without_voices_an_instrument_is_one_track():
    voices = score([(0, 4, 60)], [(0, 4, 64)], [(0, 4, 64), (4, 4, 70)], programs=(0, 0, 40))
    assert notes_of(back(fitted(voices, voices=False), voices)) == [[(0, 4, 60), (0, 4, 64)], [(0, 4, 64), (4, 4, 70)]]


def test_instruments_and_drums_come_back():
    band = score(SCALE, [(0, 2, 36), (4, 2, 38)], [(0, 16, 40)], [(2, 2, 42)], programs=(24, 128, 32, 128))
    made = back(fitted(band), band)
    assert [(track.program, track.is_drum) for track in made.tracks] == [(24, False), (32, False), (0, True)]
    assert notes_of(made)[2] == [(0, 2, 36), (2, 2, 42), (4, 2, 38)]


def test_files_hold_what_was_drawn():
    codec = fitted(*map(chorale, range(3)))
    sample = codec.decode(codec.encode([codec.load(chorale(0))]))[0]
    assert codec.load(codec.to_bytes(sample)) == (sample,)


def test_bars_follow_time_signatures():
    waltz = score([(i, 1, 60 + i % 5) for i in range(40)], signatures=[(0, 3, 4), (24, 5, 8)])
    codec = fitted(waltz)
    made = back(codec, waltz)
    assert [(sign.time // 120, sign.numerator, sign.denominator) for sign in made.time_signatures] == [
        (0, 3, 4),
        (24, 5, 8),
    ]
    assert notes_of(made) == notes_of(waltz)


@pytest.mark.parametrize(
    ("signatures", "bars"),
    [
        ([(3, 3, 4)], [16, 12, 12]),  # within a bar: from the next line on
        ([(0, 255, 1)], [16, 16, 16]),  # a bar of minutes
        ([(0, 3, 64)], [16, 16, 16]),  # less than a step
        ([(0, 0, 4)], [16, 16, 16]),
        ([(0, 3, 4), (0, 2, 4)], [8] * 5),  # the last one holds
    ],
)
def test_time_signatures_that_make_no_sense(signatures, bars):
    piece = score([(i, 1, 60) for i in range(40)], signatures=signatures)
    codec = fitted(piece)
    x = codec.encode([codec.load(piece)])[0].numpy()
    lines = x[codec.events.kinds[x] == Kind.BAR]
    assert codec.events.sizes[lines - 1].tolist() == bars
    assert notes_of(back(codec, piece)) == notes_of(piece)


def test_a_finer_grid_holds_triplets():
    triplets = score([(0, 4, 60)])
    for number in range(3):
        note = triplets.tracks[0].notes[0].copy()
        note.time, note.duration, note.pitch = 480 + 160 * number, 160, 62 + number
        triplets.tracks[0].notes.append(note)
    fine = back(fitted(triplets, grid=12), triplets).tracks[0].notes
    assert [(note.time, note.duration) for note in fine] == [(0, 480), (480, 160), (640, 160), (800, 160)]
    with pytest.raises(AnewError, match=r"codec.grid=7 is not possible; expected one of 1, 2, 3, 4"):
        make_codec("music", {"grid": "7"})


def test_velocity_and_tempo_are_learned_if_they_are_asked_for():
    loud = score(SCALE, velocity=104, tempos=[(0, 60.0), (16, 240.0)])
    plain, told = back(fitted(loud), loud), back(fitted(loud, velocity=True, tempo=True), loud)
    assert {note.velocity for note in plain.tracks[0].notes} == {80}
    assert {note.velocity for note in told.tracks[0].notes} == {104}
    assert [(tempo.time // 120, round(tempo.qpm)) for tempo in told.tempos] == [(0, 60), (16, 240)]
    assert [round(tempo.qpm) for tempo in plain.tempos] == [150]


def test_long_pieces_are_cut_at_bar_lines():
    long = score([(2 * i, 2, 50 + i % 20) for i in range(400)])
    codec = fitted(long, length=100)
    passages = codec.load(long)
    assert len(passages) == codec.count(passages) == 14
    assert sum(passage.note_num() for passage in passages) == 400
    used = (codec.encode([passages]) > 0).sum(1)
    assert used.max() <= 100
    assert used.min() > 70  # about as long as each other
    assert all(notes_of(passage)[0][0][0] == 0 for passage in passages)  # each begins with its bar


def test_a_bar_that_is_too_full_is_kept_in_part():
    chord = score([(0, 4, 20 + i) for i in range(100)], [(4, 4, 20 + i) for i in range(100)])
    codec = fitted(chord, length=50)
    (passage,) = codec.load(chord)
    assert (codec.encode([passage]) > 0).sum() <= 50
    assert passage.note_num() == 16


def test_ten_thousand_notes_at_once_are_as_many_as_there_are_pitches():
    codec = fitted(score(*[[(0, 4, pitch) for pitch in range(128)]] * 80), length=8_192)
    assert codec.load(score(*[[(0, 4, pitch) for pitch in range(128)]] * 80))[0].note_num() == 128 * 16


def test_pieces_are_held_out_whole_and_long_ones_in_stretches():
    codec = make_codec("music", {"length": "40"})
    short, long = (codec.load(score([(4 * i, 4, 40 + i * i % 61) for i in range(n)])) for n in (60, 600))
    assert len(short) == len(codec.digests(short)) > 1
    assert len(set(codec.digests(short))) == 1
    assert 1 < len(set(codec.digests(long))) < len(long) / 5


def test_digests_know_neither_tempo_nor_loudness():
    codec = make_codec("music")
    same = [score(SCALE), score(SCALE, velocity=20, tempos=[(0, 90.0)], tpq=960)]
    assert len({codec.digest(codec.load(one)) for one in same}) == 1
    assert codec.digest(codec.load(score(SCALE[:-1]))) != codec.digest(codec.load(same[0]))


def test_other_keys_are_learned_with_the_piece_they_come_from():
    high = score(SCALE, [(0, 4, 126)], [(0, 4, 36)], programs=(0, 1, 128))
    codec = fitted(high, transpose=2)
    keys = codec.load(high)
    assert [notes_of(key)[0][0][2] for key in keys] == [58, 59, 60, 61, 62]
    assert [notes_of(key)[1][0][2] for key in keys] == [124, 125, 126, 127, 116]  # an octave lower, beyond the range
    assert {notes_of(key)[2][0][2] for key in keys} == {36}
    assert len(set(codec.digests(keys))) == 1
    assert codec.told(keys, {"label": "a"}, ["label"]) == [{"label": "a"}] * 5


def test_what_training_never_had_is_written_as_the_nearest_it_had():
    codec = fitted(score([(0, 4, 60), (4, 8, 72)], [(0, 4, 40)], programs=(0, 40)))
    other = score([(1, 5, 62), (5, 4, 90)], [(0, 1, 44)], [(0, 4, 36)], programs=(3, 44, 128))
    made = codec.decode(codec.encode([other]))[0]
    assert [track.program for track in made.tracks] == [0, 40]
    assert notes_of(made) == [[(0, 4, 60), (4, 4, 72)], [(0, 4, 40)]]


def test_bars_that_training_never_had_are_the_nearest_in_length():
    codec = fitted(score(SCALE, [(i, 1, 40) for i in range(32)], signatures=[(0, 4, 4)]))
    long = score([(18, 2, 60)], signatures=[(0, 5, 4)])
    made = codec.decode(codec.encode([long]))[0]
    assert notes_of(made)[0] == [(15, 1, 60)]


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_any_codes_are_music(data):
    codec = fitted(*map(chorale, range(3)), score(SCALE, [(0, 4, 36)], programs=(5, 128), signatures=[(0, 3, 4)]))
    code = st.integers(0, codec.space.vocabulary)
    x = torch.tensor(data.draw(st.lists(st.lists(code, min_size=9, max_size=9), min_size=1, max_size=4)))
    x = torch.nn.functional.pad(x, (0, codec.space.length - 9))
    made = codec.decode(x)
    again = codec.encode(made)
    assert codec.space.contains(again)
    assert torch.equal(codec.encode(codec.decode(again)), again)
    assert all(len(values) == len(made) for values in codec.traits(made).values())
    assert codec.show(made).startswith(b"\x89PNG")
    assert codec.together(made, [], ".wav").startswith(b"RIFF")
    assert all(codec.to_bytes(one).startswith(b"MThd") for one in made)


def test_samples_can_begin_as_a_file_does(tmp_path):
    codec = fitted(score(SCALE))
    path = tmp_path / "开始.mid"
    path.write_bytes(score(SCALE[:2]).dumps_midi())
    assert codec.begun(str(path)).tolist() == codec.encode([score(SCALE[:2])])[0, :6].tolist()
    with pytest.raises(AnewError, match="'no tune' cannot be read; expected a file of music"):
        codec.begun("no tune")


def test_nothing_to_learn_from_is_said():
    with pytest.raises(AnewError, match="there is no music to learn from"):
        fitted()
    for nothing in (score([]), score([(0, 1, 60)], velocity=0)):
        with pytest.raises(BadRecord, match="no notes"):
            make_codec("music").load(nothing)


def test_options_out_of_range_are_refused():
    for name, value in {"length": 2, "transpose": 12}.items():
        with pytest.raises(AnewError, match=f"codec.{name}={value} is out of range"):
            make_codec("music", {name: str(value)})


def test_a_line_says_what_was_decided():
    pieces = [*map(chorale, range(3)), score(SCALE, signatures=[(0, 3, 4)])]
    assert fitted(*pieces).describe() == (
        "4 pieces of up to 106 codes (--set codec.length=512 overrides): "
        "136 notes in 4 tracks, 3/4, 4/4, 4 steps a quarter (--set codec.grid=12); "
        "so few are better learned in other keys, too: --set codec.transpose=5"
    )
    assert "other keys" not in fitted(*pieces, transpose=1).describe()
    assert re.match(r"4 pieces as \d+ passages of up to \d\d codes", fitted(*pieces, length=60).describe())


def test_the_picture_shows_tracks_in_colours_and_grows_with_them():
    codec = fitted(*map(chorale, range(3)))
    samples = codec.decode(codec.encode([codec.load(chorale(i)) for i in range(3)]))
    one, three = (Image.open(io.BytesIO(codec.show(some, 1))) for some in (samples[:1], samples))
    assert three.height > 2.5 * one.height
    colours = {colour for _, colour in one.getcolors(10_000) if max(colour) - min(colour) > 60}
    assert len(colours) == 4
    assert codec.show([]).startswith(b"\x89PNG")


def test_sound_has_the_pitch_and_the_length_of_the_notes():
    sound = fitted(score(SCALE)).together([score([(0, 16, 69)]), score([(0, 4, 36)], programs=(128,))], [], ".wav")
    with wave.open(io.BytesIO(sound)) as file:
        assert (file.getframerate(), file.getsampwidth(), file.getnchannels()) == (RATE, 2, 1)
        values = np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(float)
    assert len(values) / RATE == pytest.approx(2 + 0.5 + 2 * 1.12, abs=0.02)
    spectrum = np.abs(np.fft.rfft(values[: 2 * RATE]))
    assert spectrum.argmax() / 2 == pytest.approx(440, abs=1)
    assert 25_000 < np.abs(values).max() <= 32_767
    assert np.abs(values[int(3.2 * RATE) :]).max() > 1_000  # the drum
    assert np.abs(values[int(2.3 * RATE) : int(3.0 * RATE)]).max() == 0  # between them
