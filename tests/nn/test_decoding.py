"""How codes are drawn from logits."""

from __future__ import annotations

import pytest
import torch

from anew.errors import AnewError
from anew.nn.decoding import PLAIN, Style
from anew.rng import Rng

LOGITS = torch.tensor([0.5, 0.25, 0.15, 0.1]).log()
NOTHING = torch.zeros(4000, 0, dtype=torch.int64)


def shares(style: Style, recent: torch.Tensor = NOTHING, allowed: torch.Tensor | None = None) -> list[float]:
    n = len(recent)
    drawn = style.draw(LOGITS.expand(n, 4), Rng.for_step(0, batch=n), recent, allowed)
    return (torch.bincount(drawn, minlength=4) / n).tolist()


def test_as_it_is_the_model_decides():
    assert shares(PLAIN) == pytest.approx([0.5, 0.25, 0.15, 0.1], abs=0.03)


def test_without_temperature_the_likeliest_is_drawn():
    assert shares(Style(temperature=0)) == [1, 0, 0, 0]


def test_a_temperature_sharpens():
    squares = torch.tensor([0.25, 0.0625, 0.0225, 0.01])
    assert shares(Style(temperature=0.5)) == pytest.approx((squares / squares.sum()).tolist(), abs=0.03)


@pytest.mark.parametrize(
    ("style", "kept"),
    [
        (Style(top_k=2), 2), (Style(top_k=9), 4), (Style(top_p=0.75), 2), (Style(top_p=0.76), 3), (Style(top_p=0.1), 1),
        (Style(min_p=0.25), 3), (Style(min_p=1), 1),
    ],
)  # fmt: skip
def test_the_unlikely_is_left_out(style: Style, kept: int):
    expected = LOGITS.exp() * (torch.arange(4) < kept)
    assert shares(style) == pytest.approx((expected / expected.sum()).tolist(), abs=0.03)


def test_repetition_makes_recent_codes_less_likely():
    recent = torch.zeros(4000, 3, dtype=torch.int64)
    expected = (LOGITS * torch.tensor([2, 1, 1, 1])).softmax(0)
    assert shares(Style(repetition=2), recent) == pytest.approx(expected.tolist(), abs=0.03)


def test_what_is_not_allowed_is_never_drawn():
    allowed = torch.tensor([False, False, True, True]).expand(4000, 4)
    for style in (PLAIN, Style(temperature=0), Style(top_k=1), Style(top_p=0.5), Style(min_p=0.9)):
        found = shares(style, allowed=allowed)
        assert found[0] == found[1] == 0


@pytest.mark.parametrize(
    "wrong", [{"temperature": -1}, {"top_p": 0}, {"top_p": 1.1}, {"min_p": 2}, {"repetition": 0.5}]
)
def test_what_is_out_of_range_is_refused(wrong: dict[str, float]):
    with pytest.raises(AnewError, match="expected"):
        Style(**wrong)  # type: ignore[arg-type]
