"""The recipe `autoregressive`: one part after the other, of whichever space."""

from __future__ import annotations

from typing import Any

from anew.models.autoregressive_rows import AutoregressiveRows, RowsConfig
from anew.models.autoregressive_tokens import AutoregressiveTokens, TokensConfig
from anew.models.model import Model
from anew.spaces import Space, Tokens

# of Transformers: width, layers, context
SIZES = ((128, 4, 64), (256, 5, 128), (384, 6, 256), (512, 8, 512), (768, 12, 1024), (1024, 16, 1024))
WHOLE = 4  # contexts: sequences up to this length are seen whole


def autoregressive(space: Space, given: Space | None, size: int, **changes: Any) -> Model:
    """A Transformer on sequences, a perceptron on tables."""
    if isinstance(space, Tokens):
        width, layers, context = SIZES[size - 1]
        context = space.length if space.length <= WHOLE * context else context
        config = TokensConfig(width=width, layers=layers, context=context)
        return AutoregressiveTokens(space, given, config.change(changes))
    return AutoregressiveRows(space, given, RowsConfig(width=64 * 2**size).change(changes))
