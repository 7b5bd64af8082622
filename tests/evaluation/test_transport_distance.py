"""Transport distances between Gaussians."""

from __future__ import annotations

import pytest
from gaussians import gaussian

from anew.evaluation.transport_distance import sliced_wasserstein


def test_sliced_wasserstein_of_a_shift_is_its_length_over_the_root_of_the_dimension() -> None:
    x = gaussian(0)
    found = sliced_wasserstein(x + 3, x, projections=2000)
    assert found.value == pytest.approx(3, rel=0.05)  # |shift| = 3 sqrt(D)
    assert sliced_wasserstein(x, x).value == 0
