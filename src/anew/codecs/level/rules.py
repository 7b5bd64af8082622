"""What may follow in a level that grows tile by tile, so that it is a rectangle."""

from __future__ import annotations

import torch
from torch import Tensor

from anew.nn.rules import Rules
from anew.spaces import Tokens


class LevelRules(Rules):
    """The first row says how wide a level is: where it is "outside", all rows are; and it may end after any row.

    `outside` is None where all levels are of one size; no code is a tile but 1 to `tiles`.
    """

    def __init__(self, n: int, tiles: int, space: Tokens, outside: int | None):
        self.tiles, self.space, self.outside = tiles, space, outside
        self.place, self.widths = 0, torch.full((n,), space.columns)

    def allowed(self) -> Tensor:
        row, column = divmod(self.place, self.space.columns)
        allowed = torch.zeros(len(self.widths), self.space.vocabulary + 1, dtype=torch.bool)
        within = column < self.widths
        allowed[:, 1 : self.tiles + 1] = within[:, None]
        if self.outside is not None:
            allowed[:, self.outside] = ~within | (row == 0 and column > 0)
            allowed[:, 0] = row > 0 and column == 0
        return allowed

    def tell(self, codes: Tensor) -> None:
        row, column = divmod(self.place, self.space.columns)
        if row == 0 and self.outside is not None:
            self.widths = self.widths.where(codes != self.outside, self.widths.clamp(max=column))
        self.place += 1

    def pick(self, rows: Tensor) -> None:
        self.widths = self.widths[rows]
