"""Traits of music are what a musician would count."""

from __future__ import annotations

import numpy as np
import pytest
from tunes import chorale, fitted, score

from anew.codecs.music.bars import read_bars
from anew.codecs.music.traits import traits

SCALE = [(4 * i, 4, 60 + pitch) for i, pitch in enumerate((0, 2, 4, 5, 7, 9, 11, 12))]


def count(*pieces) -> dict[str, np.ndarray]:
    return traits([read_bars(piece, 4) for piece in pieces])


def test_a_scale():
    found = count(score(SCALE))
    assert found["notes a bar"] == [4]
    assert found["notes at once"] == [1]
    assert found["range in semitones"] == [12]
    assert found["notes in the best key"] == [1]
    assert found["groove kept from bar to bar"] == [1]
    assert found["bits of pitch classes"] == pytest.approx([2.75])
    assert np.isnan(found["crossing voices"]).all()  # one voice alone


def test_chromatic_notes_are_in_no_key():
    chromatic = score([(4 * i, 4, 60 + i) for i in range(12)])
    assert count(chromatic)["notes in the best key"] == pytest.approx([7 / 12])
    assert count(chromatic)["bits of pitch classes"] == pytest.approx([np.log2(12)])


def test_notes_at_once_are_counted_while_any_sounds():
    # two notes for eight steps, then silence, then one of four
    assert count(score([(0, 8, 60), (0, 8, 64), (20, 4, 60)]))["notes at once"] == pytest.approx([20 / 12])
    assert count(score([(0, 8, 60), (4, 8, 64)]))["notes at once"] == pytest.approx([16 / 12])


def test_groove_is_what_neighbouring_bars_share():
    same, other = [(0, 4, 60), (8, 4, 60), (16, 4, 60), (24, 4, 60)], [(0, 4, 60), (8, 4, 60), (16, 4, 60), (28, 4, 60)]
    assert count(score(same), score(other))["groove kept from bar to bar"].tolist() == [1, 1 - 2 / 16]


def test_parallels_are_found_and_nothing_else_is():
    fifths = score([(0, 4, 67), (4, 4, 69), (8, 4, 71)], [(0, 4, 60), (4, 4, 62), (8, 4, 64)])
    octaves = score([(0, 4, 72), (4, 4, 74)], [(0, 4, 60), (4, 4, 62)])
    contrary = score([(0, 4, 67), (4, 4, 74)], [(0, 4, 60), (4, 4, 55)])  # from fifth to fifth, but apart
    held = score([(0, 8, 67)], [(0, 4, 60), (4, 4, 60)])
    thirds = score([(0, 4, 64), (4, 4, 65)], [(0, 4, 60), (4, 4, 62)])
    found = count(fifths, octaves, contrary, held, thirds)
    assert found["parallel fifths a bar"].tolist() == [2, 0, 0, 0, 0]
    assert found["parallel octaves a bar"].tolist() == [0, 1, 0, 0, 0]


def test_steps_and_crossings_of_voices():
    piece = score([(0, 4, 72), (4, 4, 74), (8, 4, 60)], [(0, 12, 65)])
    found = count(piece)
    assert found["semitones of a voice's step"].tolist() == [8]
    assert found["crossing voices"] == pytest.approx([4 / 12])


def test_of_what_has_no_voices_nothing_is_said_of_voices():
    piano = score([(0, 4, 60), (2, 4, 64)], [(0, 4, 40)])
    drums = score([(0, 4, 36)], programs=(128,))
    nothing = score([])
    found = count(piano, drums, nothing, score([(0, 4, 60)], [(0, 4, 50)]))
    assert np.isnan(found["parallel fifths a bar"]).tolist() == [True, True, True, False]
    assert np.isnan(found["range in semitones"]).tolist() == [False, True, True, False]
    assert np.isnan(found["notes in the best key"]).tolist() == [False, True, True, False]
    assert np.isnan(found["notes a bar"]).tolist() == [False, False, True, False]
    assert all(len(values) == 4 for values in found.values())
    assert all(not len(values) for values in count().values())


def test_each_piece_is_counted_by_itself():
    pieces = [fitted(chorale(i)).load(chorale(i))[0] for i in range(3)]
    together = count(*pieces)
    for place, piece in enumerate(pieces):
        for name, values in count(piece).items():
            assert values[0] == pytest.approx(together[name][place], nan_ok=True)
