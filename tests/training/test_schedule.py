"""The learning rate over the budget."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anew.errors import AnewError
from anew.training.schedule import DECAYS, rate

shares = st.floats(0, 1)


@given(shares, shares, st.sampled_from(sorted(DECAYS)))
def test_between_nothing_and_the_whole_rate(progress: float, warmup: float, decay: str):
    assert 0 <= rate(progress, warmup, decay) <= 1


@given(shares, st.floats(0.01, 1), st.sampled_from(sorted(DECAYS)))
def test_rises_in_proportion(share: float, warmup: float, decay: str):
    if share < 1:
        assert rate(share * warmup, warmup, decay) == pytest.approx(share, abs=1e-9)


@given(shares, shares, st.floats(0, 0.9), st.sampled_from(sorted(DECAYS)))
def test_never_rises_after_the_warmup(a: float, b: float, warmup: float, decay: str):
    early, late = sorted((warmup + a * (1 - warmup), warmup + b * (1 - warmup)))
    assert rate(late, warmup, decay) <= rate(early, warmup, decay) + 1e-9


@pytest.mark.parametrize(("decay", "middle", "end"), [("constant", 1, 1), ("linear", 0.5, 0), ("cosine", 0.5, 0)])
def test_shapes(decay: str, middle: float, end: float):
    assert rate(0.2, 0.2, decay) == 1
    assert rate(0.6, 0.2, decay) == pytest.approx(middle)
    assert rate(1.0, 0.2, decay) == pytest.approx(end)


def test_unknown_decay():
    with pytest.raises(AnewError, match="did you mean 'cosine'"):
        rate(0.5, 0.1, "cosin")
