"""Bars of music that are written again: the others stay, and there are as many bars as before."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from tunes import chorale, fitted, notes_of

import anew
from anew.codecs.music.codec import MusicCodec
from anew.codecs.music.events import Kind
from anew.codecs.music.rewriting import bars_asked
from anew.drawing import fill_gaps
from anew.errors import AnewError
from toys import tiny

PIECES = [chorale(seed) for seed in range(5)]


def outside(made, first: int, last: int) -> list:
    """The notes that begin in other bars."""
    return [[note for note in track if not 16 * (first - 1) <= note[0] < 16 * last] for track in notes_of(made)]


def test_bars_are_asked_for_by_number():
    assert bars_asked("2-3", 4) == range(1, 3)
    assert bars_asked("4", 4) == range(3, 4)
    for wrong in ("0", "5", "3-2", "", "a", "1-5", "-1", "²"):
        with pytest.raises(AnewError, match=r"expected such as \?bars=1-4"):
            bars_asked(wrong, 4)


@pytest.mark.parametrize("options", [{}, {"tempo": "true", "velocity": "true"}, {"transpose": "2"}])
@pytest.mark.parametrize("part", ["1", "2-3", "4", "1-4"])
@pytest.mark.parametrize("recipe", ["autoregressive", "masked-diffusion"])
def test_other_bars_stay(recipe: str, part: str, options: dict[str, str]):
    codec = fitted(*PIECES, **options)
    asked = bars_asked(part, 4)
    known = codec.holes([codec.load(piece) for piece in PIECES], part)
    assert codec.space.contains(known.clamp(min=0))
    x = fill_gaps(tiny(recipe, codec.space, layers=1).eval(), known, None, 0, codec.gaps)
    for row, piece in zip(x, PIECES):
        codes = row[row > 0].numpy()
        assert (codec.events.kinds[codes] == Kind.BAR).sum() == 4
        assert not (row[len(codes) :] > 0).any()
        (made,) = codec.decode(row[None])
        original = codec.decode(codec.encode([codec.load(piece)])[codec.options.transpose :][:1])[0]
        same = zip(outside(made, asked[0] + 1, asked[-1] + 1), outside(original, asked[0] + 1, asked[-1] + 1))
        assert all(a == b for a, b in same)
        whole = np.isin(codec.events.kinds[codes], (Kind.NOTE, Kind.DURATION))
        kinds = codec.events.kinds[codes][whole]
        assert (kinds[::2] == Kind.NOTE).all()
        assert (kinds[1::2] == Kind.DURATION).all()


def test_long_pieces_are_refused():
    codec = fitted(*PIECES)
    with pytest.raises(AnewError, match=r"passages of .* were learned"):
        codec.holes([codec.load(PIECES[0] * 4)], "1")
    with pytest.raises(AnewError, match=r"say which bars"):
        codec.holes([codec.load(PIECES[0])])


def test_bars_of_a_file(tmp_path: Path):
    codec = fitted(*PIECES)
    for i, piece in enumerate(PIECES * 5):
        file = codec.to_bytes(codec.decode(codec.encode([codec.load(piece)]))[0])
        (tmp_path / f"{i}.mid").write_bytes(file)
    run = anew.train(
        tmp_path, "masked-diffusion", size=1, examples=32, precision="fp32", out=tmp_path / "run",
        settings={"width": 16, "layers": 1, "batch": 16}, show=False,
    )  # fmt: skip
    made = run.complete(f"{tmp_path / '3.mid'}?bars=2-3")
    assert len(made) == 1
    assert isinstance(run.codec, MusicCodec)
    kept, before = outside(made[0], 2, 3), outside(run.codec.decode(run.codec.encode([codec.load(PIECES[3])]))[0], 2, 3)
    assert kept == before
    assert torch.equal(run.codec.encode(made.items), run.codec.encode(run.complete(f"{tmp_path / '3.mid'}?bars=2-3")))
    with pytest.raises(AnewError, match="bars=9 is no part of 4 bars"):
        run.complete(f"{tmp_path / '3.mid'}?bars=9")
