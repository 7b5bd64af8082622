"""Neighbours found in blocks are those of the full table."""

from __future__ import annotations

import numpy as np
import pytest
from gaussians import gaussian

from anew.evaluation.neighbours import nearest, radii, squared_distances


def test_neighbours_equal_those_of_a_full_table(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("anew.evaluation.neighbours.BLOCK_ENTRIES", 1)
    monkeypatch.setattr("anew.evaluation.neighbours.BLOCK_ROWS", 7)
    queries, points = gaussian(0, 30).astype(np.float32), gaussian(1, 50).astype(np.float32)
    points[20] = queries[3]
    table = np.linalg.norm(queries[:, None].astype(float) - points, axis=2)
    found = nearest(queries, points)
    assert (found.indices == table.argmin(1)).all()
    assert found.distances == pytest.approx(table.min(1))
    assert found.distances[3] == 0
    own = np.linalg.norm(points[:, None].astype(float) - points, axis=2)
    assert radii(points, 4) == pytest.approx(np.sort(own, 1)[:, 4] ** 2)


def test_the_kth_neighbour_is_always_in_reach() -> None:
    """Rounding differs between d(a, b) and d(b, a), which must not decide who is in a ball."""
    points = 1e3 * gaussian(0, 200) + 7
    reach = radii(points, 5)
    assert (squared_distances(points, points) <= reach).sum(0).tolist() == [6] * 200
