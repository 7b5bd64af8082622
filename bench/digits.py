"""The digits that quality is measured on: MNIST from a folder of its idx files, or the 8x8 ones of scikit-learn."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np

from anew.errors import AnewError
from anew.sources import open_source

MNIST = {"train": "train-images*idx3-ubyte*", "test": "t10k-images*idx3-ubyte*"}
HELD_OUT = 5  # every fifth of the 8x8 digits is a test image


class Digits(NamedTuple):
    """`images` uint8 (n, H, W), `labels` int64 (n,)"""

    images: np.ndarray
    labels: np.ndarray

    def take(self, rows: np.ndarray | slice) -> Digits:
        return Digits(self.images[rows], self.labels[rows])

    @property
    def side(self) -> int:
        return self.images.shape[1]


def mnist_file(folder: Path, part: str) -> Path:
    """The images of "train" or "test"; raises AnewError if they are not there."""
    found = sorted(folder.glob(MNIST[part]))
    if not found:
        raise AnewError(f"'{folder}' has no {MNIST[part]}; --data is a folder with the four idx files of MNIST")
    return found[0]


def mnist(folder: Path) -> tuple[Digits, Digits]:
    """The 60,000 training and the 10,000 test images."""
    train, test = (read(str(mnist_file(folder, part))) for part in MNIST)
    return train, test


def small() -> tuple[Digits, Digits]:
    """1,437 training and 360 test images of 8x8 pixels."""
    digits = read("digits")
    held_out = np.arange(len(digits.images)) % HELD_OUT == 0
    return digits.take(~held_out), digits.take(held_out)


def read(location: str) -> Digits:
    records = list(open_source(location))
    images = np.stack([record.content for record in records])
    return Digits(images, np.array([record.given["label"] for record in records]))
