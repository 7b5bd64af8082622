"""Rows of numbers as a view: few dimensions in which Euclidean distance means something."""

from __future__ import annotations

import math

import numpy as np

DIMENSIONS = 64  # of every view, at most


class View:
    """The first principal components of rows, scaled by one number: distances keep their proportions."""

    def __init__(self, rows: np.ndarray) -> None:
        from sklearn.decomposition import PCA

        self._pca = None
        components = min(DIMENSIONS, len(rows) - 1, rows.shape[1])
        if components > 0:
            self._pca = PCA(components, svd_solver="randomized", random_state=0)
            with np.errstate(invalid="ignore", divide="ignore"):  # of examples that are all the same
                self._pca.fit(rows)
        scale = math.sqrt(float(np.mean(self._turned(rows) ** 2)))
        self._scale = scale if scale > 1e-6 else 1.0

    def __call__(self, rows: np.ndarray) -> np.ndarray:
        return (self._turned(rows) / self._scale).astype(np.float32)

    def _turned(self, rows: np.ndarray) -> np.ndarray:
        return self._pca.transform(rows) if self._pca is not None else rows[:, :DIMENSIONS]
