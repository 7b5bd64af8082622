"""Gaps in texts: [...], or [...40] for one of up to 40 codes."""

from __future__ import annotations

import re
from collections.abc import Sequence

from torch import Tensor

from anew.codecs.text.codes import Codes
from anew.codecs.tokens import padded
from anew.errors import AnewError

USUAL = 16  # codes of a gap
_GAP = re.compile(r"\[\.\.\.(\d{0,9})\]", re.ASCII)


def open_gaps(texts: Sequence[str], codes: Codes, length: int) -> Tensor:
    """int64 (n, length): codes, -1 in gaps; raises AnewError for texts without any, and for too long ones."""
    rows = [_row(text, codes) for text in texts]
    if not any(-1 in row for row in rows):
        raise AnewError("these texts have no gaps; write one as [...], or as [...40] for up to 40 codes")
    if (longest := max(map(len, rows))) > length:
        raise AnewError(f"a text has {longest:,} codes with its gaps, and {length:,} were learned; give a part of it")
    return padded(rows, length)


def _row(text: str, codes: Codes) -> list[int]:
    parts = _GAP.split(text)  # text, size of a gap, text, ...
    written = codes.encode(parts[::2])
    row = written[0]
    for size, after in zip(parts[1::2], written[1:]):
        row = row + [-1] * min(int(size or USUAL), 2**16) + after
    return row
