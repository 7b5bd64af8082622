"""Small models, spaces and data sets for testing whatever is registered."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import torch
from torch import Tensor

from anew.codecs.dataset import Split
from anew.errors import AnewError
from anew.models import build, recipes
from anew.models.model import Model
from anew.nn.rules import Rules
from anew.spaces import Field, Fields, Graph, Grid, Space, Tokens
from anew.training.trainer import Plan, Trainer

LABEL = Fields((Field("label", 2),))
SPACES: dict[str, Space] = {
    "grey": Grid(1, (8, 8)),
    "colour": Grid(3, (7, 5)),
    "tokens": Tokens(3, 6),
    "fields": Fields((Field("kind", 3), Field("weight"))),
    "table": Fields((Field("kind", 3), Field("weight", 9, 8))),  # in bins of 1/2 from -2.25 on; code 0 is missing
    "graph": Graph(5, 2, 2),
}
TINY = {"width": 8, "latent": 4, "batch": 16, "steps": 4, "blocks": 1, "pack": 2, "layers": 1, "context": 4}


def tiny(recipe: str, space: Space, given: Space | None = None, seed: int = 0, **changes: Any) -> Model:
    """A model of the recipe that is as small as its configuration allows."""
    fields = vars(build(recipe, space, given, 1).config)
    small = {name: value for name, value in TINY.items() if name in fields}
    if isinstance(space, Graph):
        small.pop("context", None)  # a walk that is forgotten is no graph
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return build(recipe, space, given, 1, small | changes)


def toy(space: Space, n: int = 64) -> tuple[Tensor, Tensor]:
    """x (n, *space.shape) around two centres that are far apart, and which of the two, as LABEL (n, 1)."""
    label = torch.arange(n) % 2
    noise = torch.randn(n, *space.shape, generator=torch.Generator().manual_seed(0))
    match space:
        case Grid():
            x = torch.full((n, *space.shape), -0.8)
            x[label == 0, ..., : space.size[-1] // 2] = 0.8
            x[label == 1, :, : space.size[0] // 2] = 0.8
            x = (x + 0.1 * noise).clamp(-1, 1)
        case Tokens():
            x = torch.where(label[:, None] == 0, 1, 2 + torch.arange(space.length) % 2)
        case Fields():
            weight = (2 * label - 1) + 0.1 * noise[:, 1]
            x = torch.stack([2.0 * label, 1 + 2 * (weight + 2.25) if space.fields[1].values else weight], 1)
        case Graph():
            star, triangle = (torch.zeros(space.shape, dtype=torch.int64) for _ in range(2))
            star[0, 1:] = star[1:, 0] = triangle[:2, 2] = triangle[2, :2] = triangle[0, 1] = triangle[1, 0] = 1
            star.diagonal()[:], triangle.diagonal()[:3] = 2, 1
            x = torch.where(label[:, None, None] == 0, star, 2 * triangle - torch.diag(triangle.diagonal()))
        case _:
            raise NotImplementedError(space)
    return x, label[:, None].float()


def toy_split(space: Space, given: Space | None = None, n: int = 64) -> Split:
    x, label = toy(space, n)
    return Split(space.pack(x), label if given else None, space)


def trainer(model: Model, steps: int, **plan: Any) -> Trainer:
    """For `steps` steps on the toy set."""
    rounds = max(model.turns.count(turn) for turn in model.turns)
    examples = steps * model.config.batch * rounds
    return Trainer(model, toy_split(model.space, model.given), Plan(examples, **plan))


def drawn_by(rules: Rules, n: int, places: int) -> list[list[int]]:
    """The n sequences of `rules` that ended, any code that is allowed being as likely as any other."""
    generator, found, ended = torch.Generator().manual_seed(0), [], torch.zeros(n, dtype=torch.bool)
    for _ in range(places):
        allowed = rules.allowed()
        assert allowed.any(1).all()
        codes = torch.multinomial(allowed.float(), 1, generator=generator)[:, 0].masked_fill(ended, 0)
        found.append(codes)
        rules.tell(codes)
        ended |= codes == 0
    return [row[: row.index(0)] for row in torch.stack(found, 1)[ended].tolist()]


def check_picking(make: Callable[[int], Rules], steps: int = 20) -> None:
    """Rules of n sequences that are drawn by them: picked in the middle, they go on as those do that were picked."""
    n, rows, generator = 20, torch.tensor([19, 3, 3, 0, 7]), torch.Generator().manual_seed(0)
    rules, picked, done = make(n), make(n), torch.zeros(n, dtype=torch.bool)
    for place in range(steps):
        if place == steps // 3:
            picked.pick(rows)
        at = rows if place >= steps // 3 else torch.arange(n)
        allowed, going = rules.allowed(), ~done[at]
        assert torch.equal(picked.allowed()[going], allowed[at][going])
        drawn = torch.multinomial(allowed.float(), 1, generator=generator)[:, 0].masked_fill(done, 0)
        done |= drawn == 0
        rules.tell(drawn)
        picked.tell(drawn[at])


@cache
def cases() -> list[tuple[str, str, bool]]:
    """(recipe, name of a space that it serves, whether something is given): on grey pictures, nothing is."""
    found = []
    for recipe in recipes():
        for name, space in SPACES.items():
            try:
                build(recipe, space, None, 1)
            except AnewError:
                continue
            found += [(recipe, name, name != "grey")]
    return found


def home(recipe: str) -> str:
    """The first space that the recipe serves, for tests of what has little to do with spaces."""
    return next(space for name, space, _ in cases() if name == recipe)


def unordered(space: Space, x: Tensor) -> Tensor:
    """Of graphs, kinds and degrees in falling order: nodes may come in any."""
    if not isinstance(space, Graph):
        return x
    return torch.stack([x.diagonal(dim1=1, dim2=2), (x > 0).sum(2)], 1).sort(descending=True).values


def energy_distance(a: Tensor, b: Tensor) -> float:
    """Between two sets of samples; 0 for the same distribution (Szekely and Rizzo 2013)."""
    a, b = a.float().flatten(1), b.float().flatten(1)
    return (2 * torch.cdist(a, b).mean() - torch.cdist(a, a).mean() - torch.cdist(b, b).mean()).item()
