"""The recipe `autoregressive`: one part after the other, of whichever space."""

from __future__ import annotations

from typing import Any

from anew.models.autoregressive_graphs import AutoregressiveGraphs
from anew.models.autoregressive_rows import AutoregressiveRows, RowsConfig
from anew.models.autoregressive_tokens import AutoregressiveTokens, TokensConfig
from anew.models.model import Model
from anew.spaces import Graph, Space, Tokens

# of Transformers: width, layers, context, batch
SIZES = (
    (128, 4, 64, 32),
    (192, 4, 128, 16),
    (256, 5, 256, 16),
    (384, 6, 256, 32),
    (512, 8, 512, 32),
    (768, 12, 1024, 32),
)
WHOLE = 4  # contexts: sequences up to this length are seen whole


def autoregressive(space: Space, given: Space | None, size: int, **changes: Any) -> Model:
    """A Transformer on sequences and on walks through graphs, a perceptron on tables."""
    width, layers, context, batch = SIZES[size - 1]
    if isinstance(space, Graph):
        config = TokensConfig(batch=batch, width=width, layers=layers, context=WHOLE * context)
        return AutoregressiveGraphs(space, given, config.change(changes))
    if isinstance(space, Tokens):
        context = space.length if space.length <= WHOLE * context else context
        config = TokensConfig(batch=batch, width=width, layers=layers, context=context)
        return AutoregressiveTokens(space, given, config.change(changes))
    return AutoregressiveRows(space, given, RowsConfig(width=64 * 2**size).change(changes))
