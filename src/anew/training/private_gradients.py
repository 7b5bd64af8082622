"""The gradients at all examples from one backward pass, without holding any of them: see private_layers.py."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from anew.errors import AnewError
from anew.training.private_layers import Pass, gradients_of

APART = 1e-3  # what rounding may make of a gradient, as a share of it


class Recorder:
    """Runs a loss forward and backward, and keeps what went through each layer of a player.

    A layer is an outermost module that owns parameters itself. Raises AnewError where two of them share one.
    """

    def __init__(self, player: nn.Module):
        self.player = player
        self.layers = list(dict.fromkeys(_layers(player)))
        parameters = [parameter for layer in self.layers for parameter in layer.parameters()]
        if len(parameters) > len(set(parameters)):
            raise AnewError("training cannot be private where layers share weights; choose another --model")

    def __call__(self, loss: Callable[[], Tensor], repeats: int = 1) -> Recorded:
        """`loss` returns (B,): one value per example; or (repeats * B,), where all examples come several times."""
        seen: list[tuple[nn.Module, tuple[Any, ...], Tensor]] = []

        def note(layer: nn.Module, arguments: tuple[Any, ...], output: Any) -> None:
            if isinstance(output, Tensor) and output.requires_grad:
                seen.append((layer, arguments, output))

        hooks = [layer.register_forward_hook(note) for layer in self.layers]
        try:
            losses = loss()
        finally:
            for hook in hooks:
                hook.remove()
        gradients = torch.autograd.grad(losses.sum(), [output for *_, output in seen], allow_unused=True)
        passes: dict[nn.Module, list[Pass]] = defaultdict(list)
        for (layer, arguments, _), gradient in zip(seen, gradients, strict=True):
            if gradient is not None:
                passes[layer] += _split(arguments, gradient, repeats)
        return Recorded(passes)

    def check(self, loss: Callable[[], Tensor], weights: Tensor) -> None:
        """Raises AnewError unless the gradient of the loss with `weights` (B,) of the examples is what the layers make
        of it: each example stands by itself, and no weight is used but by a layer that is called.

        Random weights tell examples apart, so one comparison is enough. Both losses have to be alike.
        """
        parameters = [parameter for layer in self.layers for parameter in layer.parameters()]
        wanted = torch.autograd.grad((loss() * weights).sum(), parameters, materialize_grads=True)
        try:
            found = self(loss).sums(weights)
        except (RuntimeError, TypeError, ValueError, IndexError) as error:
            raise _untold(self.player, repr(error)) from error
        total = torch.stack([gradient.norm() for gradient in wanted]).norm()
        for parameter, gradient in zip(parameters, wanted, strict=True):
            apart = (found.get(parameter, torch.zeros_like(parameter)) - gradient).norm()
            if not apart <= APART * (gradient.norm() + APART * total):
                raise _untold(self.player, f"of {tuple(parameter.shape)} weights")


def _untold(player: nn.Module, why: str) -> AnewError:
    name, told = type(player).__name__, f"its gradient at one example cannot be told from the others ({why})"
    return AnewError(f"{name} cannot be trained privately: {told}; choose another --model, such as vae")


class Recorded:
    """The gradients of B examples, as what went through the layers."""

    def __init__(self, passes: dict[nn.Module, list[Pass]]):
        self.gradients = [gradients_of(layer, some) for layer, some in passes.items()]

    @torch.no_grad()
    def norms(self) -> Tensor:
        """(B,), of all parameters together."""
        return torch.stack([gradients.squares() for gradients in self.gradients]).sum(0).clamp(min=0).sqrt()

    @torch.no_grad()
    def sums(self, weights: Tensor) -> dict[nn.Parameter, Tensor]:
        """The sum of the examples' gradients times `weights` (B,), of each parameter that had a say."""
        found = ((gradients.layer.parameters(), gradients.sums(weights)) for gradients in self.gradients)
        return {p: total for parameters, sums in found for p, total in zip(parameters, sums, strict=True)}


def _split(arguments: tuple[Any, ...], gradient: Tensor, repeats: int) -> list[Pass]:
    """Of examples that come several times: each time is a pass."""
    parts = [value.chunk(repeats) if isinstance(value, Tensor) else [value] * repeats for value in arguments]
    return [Pass(part, some) for part, some in zip(zip(*parts), gradient.chunk(repeats), strict=True)]


def _layers(module: nn.Module) -> list[nn.Module]:
    if next(module.parameters(recurse=False), None) is not None:
        return [module]
    return [layer for child in module.children() for layer in _layers(child)]
