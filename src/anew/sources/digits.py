"""The built-in `digits`: 1,797 handwritten digits of 8x8 pixels, for trying things out in seconds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import numpy as np

from anew.sources.source import Record, Source


class Digits(Source):
    """UCI's Optical Recognition of Handwritten Digits (test part) as it comes with scikit-learn."""

    reads: ClassVar[str] = "1,797 handwritten digits, 8x8 grey, labelled 0 to 9"
    builtin: ClassVar[str] = "digits"

    @classmethod
    def accepts(cls, location: str) -> bool:
        return location == cls.builtin

    def __init__(self, location: str = "digits") -> None:
        self.name = self.location = location

    def __iter__(self) -> Iterator[Record]:
        from sklearn.datasets import load_digits

        data = load_digits()
        images = (data.images * (255 / 16)).round().astype(np.uint8)  # the values run from 0 to 16
        for index, (image, label) in enumerate(zip(images, data.target)):
            yield Record(image, {"label": int(label)}, f"digits[{index}]")

    def __len__(self) -> int:
        return 1797

    def fingerprint(self) -> str:
        return "digits-8x8-1797"
