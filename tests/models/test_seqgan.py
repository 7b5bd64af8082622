"""A writer that learns from rewards: which way it goes, and what its reader looks at."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from anew.errors import AnewError
from anew.models import build
from anew.models.model import Turn
from anew.models.seqgan import SeqGAN, _mean
from anew.rng import Rng
from anew.spaces import Batch, Tokens
from toys import LABEL, tiny, toy

SPACE = Tokens(3, 6)


def model(**changes: object) -> SeqGAN:
    built = tiny("seqgan", SPACE, **changes)
    assert isinstance(built, SeqGAN)
    return built


def test_it_begins_with_likelihood():
    of, x = model(pretrain=0.5), toy(SPACE)[0]
    early = of.loss(Batch(x), Turn("generator", 0.4), Rng.for_step(0, batch=64))
    assert torch.allclose(early, -of.log_prob(x, None, Rng.for_step(0, batch=64)) / 6, atol=1e-5)
    late = of.loss(Batch(x), Turn("generator", 0.6), Rng.for_step(0, batch=64))
    assert not torch.allclose(early, late)


def test_what_is_rewarded_is_written_more_often(monkeypatch: pytest.MonkeyPatch):
    """By a reader that looks for the share of code 2."""
    of = model(pretrain=0.0)

    def judge(x: Tensor, told: Tensor | None) -> Tensor:
        return torch.nn.functional.pad((x == 2).float().cumsum(1), (1, 0)) - 3

    monkeypatch.setattr(of.discriminator, "forward", judge)
    optimiser = torch.optim.Adam(of.generator.parameters(), 1e-2)
    shares = []
    for step in range(60):
        of.loss(
            Batch(torch.zeros(64, 6, dtype=torch.int64)), Turn("generator", 1.0), Rng.for_step(step, batch=64)
        ).mean().backward()
        optimiser.step()
        optimiser.zero_grad()
        shares.append((of.sample(64, None, Rng.for_step(step, batch=64)) == 2).float().mean().item())
    assert shares[-1] > 0.7 > 0.5 > shares[0]


def test_each_beginning_is_judged_up_to_the_end():
    x = torch.tensor([[1, 2, 0], [0, 0, 0], [1, 2, 3]])
    judged = torch.tensor([[1.0, 2, 4, 8], [1, 2, 4, 8], [1, 2, 4, 8]])
    assert _mean(judged, x).tolist() == pytest.approx([15 / 4, 3 / 2, 15 / 4])
    seen = model().discriminator(torch.tensor([[1, 2, 3, 1, 1, 1], [1, 2, 3, 2, 2, 2]]), None)
    assert seen.shape == (2, 7)
    assert torch.equal(seen[0, :4], seen[1, :4])


def test_what_it_cannot_take_is_refused():
    with pytest.raises(AnewError, match=r"codec\.length"):
        build("seqgan", Tokens(3, 600), None, 1)
    with pytest.raises(AnewError, match="given labels, no texts"):
        build("seqgan", SPACE, Tokens(3, 4), 1)
    with pytest.raises(AnewError, match="a share from 0 to 1"):
        build("seqgan", SPACE, LABEL, 1, {"pretrain": 2})
