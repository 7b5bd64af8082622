"""What `--model auto` and `--size auto` mean: one rule, which follows measurements (docs/choosing.md, budget.md)."""

from __future__ import annotations

from anew.errors import AnewError
from anew.spaces import Fields, Graph, Grid, Space, Tokens

SIZES = range(1, 7)
SEQUENCES, OTHERS = (2, 15, 60), (1, 30)  # minutes from which on the next size is better
SMALL = 32  # pixels: the largest side for which the families were measured beside one another, in grey
SOON = 2  # minutes, below which a GAN has not come as far
FEW = 10  # nodes: of larger graphs, the edges are too many to be learned all at once (docs/quality.md)


def choose_recipe(space: Space, minutes: float, latent: bool = False) -> str:
    """The best by the report card on tables and small pictures; the steadiest on coloured or larger ones and on maps of
    latents; elsewhere, what serves any space."""
    if isinstance(space, Fields) and all(field.values for field in space.fields):
        return "autoregressive"
    if isinstance(space, Tokens):
        return "autoregressive"
    if isinstance(space, Graph):
        plain = space.node_kinds == space.edge_kinds == 1
        return "graph-vae" if plain and space.nodes <= FEW else "autoregressive"
    if not isinstance(space, Grid) or len(space.size) != 2:
        return "vae"
    small = max(space.size) <= SMALL and space.channels == 1 and not latent
    return "dcgan" if small and minutes >= SOON else "flow_matching"


def choose_size(minutes: float, space: Space, private: bool = False) -> int:
    """A larger model learns more from an example and takes longer for it, so the budget decides. Private training adds
    noise to each weight, so few are best."""
    if private:
        return 1
    limits = SEQUENCES if isinstance(space, Tokens) else OTHERS
    return 1 + sum(minutes >= limit for limit in limits)


def choose_most(examples: int) -> int:
    """The largest batch for so many training examples: a few steps of few examples learn more than one of all."""
    return max(16, examples // 8)


def read_size(text: str) -> int:
    if text not in map(str, SIZES):
        raise AnewError(f"the size '{text}' is not possible; expected auto, or 1 (small) to 6 (large)")
    return int(text)
