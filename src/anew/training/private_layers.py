"""What one layer makes of the gradients at all examples: their norms, and their sum with weights.

The gradient of a linear layer at one example is the outer product of what went in and of the gradient that came back.
So its norm follows from the norms of those two ("ghost norms": Goodfellow 2015; Li et al. 2022, section 4), and the
sum of the clipped ones is a product of matrices that are at hand ("book-keeping": Bu et al. 2023, algorithm 1).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import defaultdict
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.func import functional_call, grad, vmap


class Pass(NamedTuple):
    """A call of a layer: what it was called with, and the gradient of what it returned, both of B examples."""

    arguments: tuple[Any, ...]
    gradient: Tensor


class Gradients(ABC):
    """Of one layer at each of B examples, after all passes through it."""

    def __init__(self, layer: Any, passes: list[Pass]):
        self.layer, self.passes = layer, passes

    @abstractmethod
    def squares(self) -> Tensor:
        """(B,): the squared norm of each."""

    @abstractmethod
    def sums(self, weights: Tensor) -> list[Tensor]:
        """Their sum with `weights` (B,), for each of `layer.parameters()`."""

    def inputs(self, features: int) -> Tensor:
        """(B, T, ...): what went in at all places of all passes; the last `features` dimensions belong to one place."""
        return _places([p.arguments[0].detach() for p in self.passes], features)

    def outputs(self) -> Tensor:
        """(B, T, D): the gradients that came back."""
        return _places([p.gradient for p in self.passes], 1)


class OfLinear(Gradients):
    """Places add up: the gradient is the sum over t of g_t a_t^T, and that of the bias the sum of g_t."""

    def squares(self) -> Tensor:
        a, g, bias = self.inputs(1), self.outputs(), self.layer.bias is not None
        places = a.shape[1]
        if places == 1:
            return (a.square().sum((1, 2)) + bias) * g.square().sum((1, 2))
        if 2 * places**2 < a.shape[2] * g.shape[2]:  # Bu et al. 2023, section 3: else the ghost is the larger one
            return ((a @ a.mT + bias) * (g @ g.mT)).sum((1, 2))
        return (g.mT @ a).square().sum((1, 2)) + bias * g.sum(1).square().sum(1)

    def sums(self, weights: Tensor) -> list[Tensor]:
        g = (self.outputs() * weights[:, None, None]).flatten(0, 1)
        sums = [g.T @ self.inputs(1).flatten(0, 1)]
        return sums if self.layer.bias is None else [*sums, g.sum(0)]


class OfEmbedding(Gradients):
    """The gradients of all places with the same code add up."""

    def squares(self) -> Tensor:
        codes, g = self.inputs(0), self.outputs()
        if codes.shape[1] == 1:
            return g.square().sum((1, 2)) * (codes[:, 0] != self._unused)
        rows, where = self._rows(codes)
        sums = g.new_zeros(len(rows), g.shape[2]).index_add_(0, where, g.flatten(0, 1))
        squares = sums.square().sum(1) * (rows % self.layer.num_embeddings != self._unused)
        return g.new_zeros(len(g)).index_add_(0, rows // self.layer.num_embeddings, squares)

    def sums(self, weights: Tensor) -> list[Tensor]:
        g = (self.outputs() * weights[:, None, None]).flatten(0, 1)
        total = torch.zeros_like(self.layer.weight).index_add_(0, self.inputs(0).flatten(), g)
        if self._unused >= 0:
            total[self._unused] = 0
        return [total]

    @property
    def _unused(self) -> int:
        """The code whose row does not learn; -1 for none."""
        return -1 if self.layer.padding_idx is None else self.layer.padding_idx

    def _rows(self, codes: Tensor) -> tuple[Tensor, Tensor]:
        """The distinct pairs of an example and a code, as numbers; and which of them each place is."""
        examples = torch.arange(len(codes), device=codes.device)[:, None]
        rows, where = (examples * self.layer.num_embeddings + codes).flatten().unique(return_inverse=True)
        return rows, where


class OfLayerNorm(Gradients):
    """So few numbers that each example's own gradients are held."""

    def squares(self) -> Tensor:
        return sum((own.square().sum(1) for own in self._own()), torch.zeros(()))

    def sums(self, weights: Tensor) -> list[Tensor]:
        return [weights @ own for own in self._own()]

    def _own(self) -> list[Tensor]:
        """(B, D) of the scale and, if there is one, of the bias."""
        g, a = self.outputs(), self.inputs(1)
        scale = (g * F.layer_norm(a, self.layer.normalized_shape, eps=self.layer.eps)).sum(1)
        return [scale] if self.layer.bias is None else [scale, g.sum(1)]


class OfAny(Gradients):
    """Of any layer that treats the examples one by one: their own gradients, held for this layer only while it is its
    turn."""

    def squares(self) -> Tensor:
        own: dict[str, Tensor] = defaultdict(lambda: torch.zeros(()))
        for arguments, gradient in self.passes:
            which = tuple(0 if isinstance(value, Tensor) else None for value in arguments)
            each = vmap(grad(self._product), in_dims=(None, which, 0))
            for name, value in each(self._parameters(), _detached(arguments), gradient).items():
                own[name] = own[name] + value
        return sum((value.flatten(1).square().sum(1) for value in own.values()), torch.zeros(()))

    def sums(self, weights: Tensor) -> list[Tensor]:
        total: dict[str, Tensor] = defaultdict(lambda: torch.zeros(()))
        for arguments, gradient in self.passes:
            weighted = gradient * weights.view(-1, *[1] * (gradient.dim() - 1))
            found = grad(self._product)(self._parameters(), _detached(arguments), weighted, False)
            for name, value in found.items():
                total[name] = total[name] + value
        return list(total.values())

    def _parameters(self) -> dict[str, Tensor]:
        return {name: parameter.detach() for name, parameter in self.layer.named_parameters()}

    def _product(
        self, parameters: dict[str, Tensor], arguments: tuple[Any, ...], gradient: Tensor, one: bool = True
    ) -> Tensor:
        """Of what the layer returns and the gradient of it; of `one` example, or of all."""
        if one:
            arguments = tuple(value[None] if isinstance(value, Tensor) else value for value in arguments)
            gradient = gradient[None]
        return (functional_call(self.layer, parameters, arguments) * gradient).sum()


def gradients_of(layer: nn.Module, passes: list[Pass]) -> Gradients:
    """As its kind of layer has them."""
    kind: type[Gradients] = OfAny
    if type(layer) is nn.Linear:
        kind = OfLinear
    elif type(layer) is nn.Embedding and layer.max_norm is None and not layer.scale_grad_by_freq:
        kind = OfEmbedding
    elif type(layer) is nn.LayerNorm and len(layer.normalized_shape) == 1:
        kind = OfLayerNorm
    return kind(layer, passes)


def _places(parts: list[Tensor], features: int) -> Tensor:
    """(B, ..., *features) each -> (B, T, *features)"""
    split = [part.reshape(len(part), -1, *part.shape[part.dim() - features :]) for part in parts]
    return split[0] if len(split) == 1 else torch.cat(split, 1)


def _detached(values: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(value.detach() if isinstance(value, Tensor) else value for value in values)
