"""Ghost norms and sums beside the gradients themselves, example by example."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest
import torch
from torch import Tensor, nn

from anew.errors import AnewError
from anew.nn.tables import table
from anew.training.private_gradients import Recorder
from anew.training.private_layers import OfAny, OfEmbedding, OfLayerNorm, OfLinear

B = 5


class Twice(nn.Module):
    """One layer on two inputs, and on what it made of them."""

    def __init__(self) -> None:
        super().__init__()
        self.layer, self.out = nn.Linear(6, 6), nn.Linear(6, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.out(self.layer(self.layer(x).relu()) + self.layer(2 * x))


class Own(nn.Module):
    """Weights of its own beside those of a layer within."""

    def __init__(self) -> None:
        super().__init__()
        self.scale, self.layer = nn.Parameter(torch.ones(4)), nn.Linear(6, 4)

    def forward(self, x: Tensor, told: Tensor) -> Tensor:
        return self.scale * self.layer(x) + told


class Told(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.told, self.own = nn.Linear(6, 4), Own()

    def forward(self, x: Tensor) -> Tensor:
        return self.own(x, self.told(x).sigmoid())


class Unused(nn.Module):
    """What one layer returns is not gone on with."""

    def __init__(self) -> None:
        super().__init__()
        self.idle, self.layer = nn.Linear(6, 3), nn.Linear(6, 3)

    def forward(self, x: Tensor) -> Tensor:
        self.idle(x)
        return self.layer(x)


def numbers(*shape: int) -> Tensor:
    return torch.randn(B, *shape)


def codes(*shape: int) -> Tensor:
    return torch.randint(7, (B, *shape))


CASES: dict[str, tuple[Callable[[], nn.Module], Callable[[], Tensor], type | None]] = {
    "linear": (lambda: nn.Linear(6, 3), partial(numbers, 6), OfLinear),
    "linear without bias": (lambda: nn.Linear(6, 3, bias=False), partial(numbers, 6), OfLinear),
    "linear at few places": (lambda: nn.Linear(6, 30), partial(numbers, 4, 6), OfLinear),
    "linear at many places": (lambda: nn.Linear(6, 3), partial(numbers, 4, 5, 6), OfLinear),
    "many places without bias": (lambda: nn.Linear(6, 3, bias=False), partial(numbers, 9, 6), OfLinear),
    "embedding": (lambda: nn.Embedding(7, 4), codes, OfEmbedding),
    "embedding at many places": (lambda: nn.Embedding(7, 4), partial(codes, 3, 4), OfEmbedding),
    "embedding with padding": (lambda: nn.Embedding(7, 4, padding_idx=2), partial(codes, 9), OfEmbedding),
    "one code with padding": (lambda: nn.Embedding(3, 4, padding_idx=2), lambda: torch.arange(B) % 3, OfEmbedding),
    "table of log-probabilities": (lambda: table(7, 4), codes, OfEmbedding),
    "layer norm": (lambda: nn.LayerNorm(6), partial(numbers, 6), OfLayerNorm),
    "layer norm at places": (lambda: nn.LayerNorm(6, bias=False, eps=0.1), partial(numbers, 3, 6), OfLayerNorm),
    "convolution": (lambda: nn.Conv2d(2, 3, 3, padding=1), partial(numbers, 2, 5, 5), OfAny),
    "group norm": (lambda: nn.GroupNorm(2, 4), partial(numbers, 4, 5), OfAny),
    "weights of its own": (Told, partial(numbers, 6), None),
    "called thrice": (Twice, partial(numbers, 6), None),
    "partly unused": (Unused, partial(numbers, 6), None),
    "perceptron": (
        lambda: nn.Sequential(nn.Linear(6, 9), nn.GELU(), nn.LayerNorm(9), nn.Linear(9, 2)), partial(numbers, 6), None,
    ),
    "over codes": (
        lambda: nn.Sequential(nn.Embedding(7, 4), nn.Flatten(), nn.Linear(12, 9), nn.LayerNorm(9)), partial(codes, 3),
        None,
    ),
}  # fmt: skip


def losses(network: nn.Module, x: Tensor) -> Tensor:
    """(B,), steep enough that no gradient is flat."""
    return (network(x).flatten(1) + 0.3).square().sum(1)


def one_by_one(network: nn.Module, x: Tensor) -> list[list[Tensor]]:
    """The gradients of each example, by itself."""
    parameters = list(network.parameters())
    return [list(_gradients(losses(network, x[i : i + 1]).sum(), parameters)) for i in range(len(x))]


def _gradients(loss: Tensor, parameters: list[nn.Parameter]) -> tuple[Tensor, ...]:
    return torch.autograd.grad(loss, parameters, materialize_grads=True)


@pytest.mark.parametrize("case", CASES)
def test_norms_and_sums_are_those_of_the_gradients(case: str):
    torch.manual_seed(0)
    make, draw, kind = CASES[case]
    network, x = make(), draw()
    recorded = Recorder(network)(lambda: losses(network, x))
    if kind is not None:
        assert {type(gradients) for gradients in recorded.gradients} == {kind}
    each = one_by_one(network, x)
    norms = torch.stack([torch.stack([part.norm() for part in parts]).norm() for parts in each])
    torch.testing.assert_close(recorded.norms(), norms, rtol=1e-4, atol=1e-6)
    weights = torch.rand(len(x))
    found = recorded.sums(weights)
    for parameter, *parts in zip(network.parameters(), *each, strict=True):
        wanted = torch.stack(parts).movedim(0, -1) @ weights
        torch.testing.assert_close(found.get(parameter, torch.zeros_like(parameter)), wanted, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("case", CASES)
def test_examples_that_come_several_times(case: str):
    torch.manual_seed(0)
    make, draw, _ = CASES[case]
    network, x, weights = make(), draw(), torch.rand(B)
    once = Recorder(network)(lambda: losses(network, x))
    thrice = Recorder(network)(lambda: losses(network, torch.cat([x] * 3)) / 3, 3)
    torch.testing.assert_close(thrice.norms(), once.norms(), rtol=1e-4, atol=1e-6)
    wanted, found = once.sums(weights), thrice.sums(weights)
    assert found.keys() == wanted.keys()
    for parameter, total in found.items():
        torch.testing.assert_close(total, wanted[parameter], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("case", CASES)
def test_what_is_followed_passes_the_check(case: str):
    torch.manual_seed(0)
    make, draw, _ = CASES[case]
    network, x = make(), draw()
    Recorder(network).check(lambda: losses(network, x), torch.rand(B))


class Outside(nn.Sequential):
    """A weight that is used, but not by calling its layer."""

    def __init__(self) -> None:
        super().__init__(nn.Linear(6, 6), nn.Linear(6, 6))

    def forward(self, x: Tensor) -> Tensor:
        return self[0](x) @ self[1].weight


class Flattened(nn.Sequential):
    """Examples and places are one dimension within."""

    def __init__(self) -> None:
        super().__init__(nn.Linear(3, 4))

    def forward(self, x: Tensor) -> Tensor:
        return self[0](x.reshape(-1, 3)).reshape(len(x), -1)


class Blind(nn.Sequential):
    """The same for all examples."""

    def __init__(self) -> None:
        super().__init__(nn.Linear(6, 6))

    def forward(self, x: Tensor) -> Tensor:
        return x + self[0](torch.ones(1, 6))


class Pairs(nn.Sequential):
    """Several outputs."""

    def __init__(self) -> None:
        super().__init__(nn.LSTM(6, 4, batch_first=True))

    def forward(self, x: Tensor) -> Tensor:
        return self[0](x[:, None])[0]


class Coupled(nn.Sequential):
    """An example's loss depends on the rest of its batch."""

    def __init__(self) -> None:
        super().__init__(nn.Linear(6, 6))

    def forward(self, x: Tensor) -> Tensor:
        h = self[0](x)
        return h - h.mean(0)


@pytest.mark.parametrize("kind", [Outside, Flattened, Blind, Pairs, Coupled])
def test_what_cannot_be_followed_is_refused(kind: type[nn.Module]):
    torch.manual_seed(0)
    network, x = kind(), numbers(6)
    with pytest.raises(AnewError, match=f"{kind.__name__} cannot be trained privately.*choose another --model"):
        Recorder(network).check(lambda: losses(network, x), torch.rand(B))


def test_batch_norm_is_refused():
    network, x = nn.Sequential(nn.Linear(6, 6), nn.BatchNorm1d(6)), numbers(6)
    with pytest.raises(AnewError, match="cannot be told from the others"):
        Recorder(network).check(lambda: losses(network, x), torch.rand(B))


def test_shared_weights_are_refused():
    network = nn.Sequential(nn.Linear(6, 6), nn.Linear(6, 6))
    network[1].weight = network[0].weight
    with pytest.raises(AnewError, match="layers share weights"):
        Recorder(network)


def test_hooks_are_taken_back():
    network = nn.Sequential(nn.Linear(6, 6))

    def broken() -> Tensor:
        network(numbers(6))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Recorder(network)(broken)
    assert not network[0]._forward_hooks
