"""What texts are made of: words, marks, and the signs of scripts that write without spaces."""

from __future__ import annotations

import re

_SIGNS = "\u3040-\u30ff\u3400-\u9fff"  # of Chinese and Japanese
_WORD = re.compile(rf"[{_SIGNS}]|[^\W{_SIGNS}]+|[^\w\s]")


def words_of(text: str) -> list[str]:
    """ "It's 猫咪." -> ["It", "'", "s", "猫", "咪", "."]"""
    return _WORD.findall(text)
