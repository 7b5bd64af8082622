"""The views of images: shapes, scale, repeatability, and that they tell things apart."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from anew.codecs.image import features as image_features
from anew.codecs.image.features import ImageFeatures


@pytest.fixture(autouse=True)
def _few_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(image_features, "_STEPS", 20)


def examples(n: int, shape: tuple[int, int, int]) -> tuple[torch.Tensor, torch.Tensor]:
    """Images with a bright left or right half, and which of the two."""
    generator = torch.Generator().manual_seed(1)
    labels = torch.arange(n) % 2
    x = torch.rand(n, *shape, generator=generator) - 1
    half = shape[2] // 2
    x[labels == 0, :, :, :half] += 0.6
    x[labels == 1, :, :, half:] += 0.6
    return x, labels.float()[:, None]


@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 28, 20), (1, 90, 120), (4, 16, 16)])
@pytest.mark.parametrize("labelled", [True, False])
def test_views_separate_what_differs(shape: tuple[int, int, int], labelled: bool):
    x, labels = examples(60, shape)
    features = ImageFeatures()
    features.fit(x, labels if labelled else None)
    views = features.transform(x)
    assert list(views) == ["pixels", "random", "learned"]
    for view in views.values():
        assert view.dtype == np.float32
        assert view.shape[0] == 60
        assert 1 <= view.shape[1] <= 64
        assert np.mean(view**2) == pytest.approx(1, rel=1e-3)
        left, right = view[labels[:, 0] == 0], view[labels[:, 0] == 1]
        between = np.linalg.norm(left.mean(0) - right.mean(0))
        assert between > 3 * np.linalg.norm(left[::2].mean(0) - left[1::2].mean(0))


def test_the_same_images_give_the_same_views():
    x, labels = examples(40, (1, 8, 8))
    state = torch.get_rng_state()
    views = []
    for seed in (1, 2):
        torch.manual_seed(seed)
        features = ImageFeatures()
        features.fit(x, labels)
        views.append(features.transform(x[:7]))
    for name in views[0]:
        assert np.array_equal(views[0][name], views[1][name])
    torch.set_rng_state(state)
    ImageFeatures().fit(x)
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize("n", [1, 2, 3])
@pytest.mark.parametrize("shape", [(1, 1, 1), (3, 4, 4), (1, 1, 200)])
def test_tiny_data(n: int, shape: tuple[int, int, int]):
    x = torch.rand(n, *shape) * 2 - 1
    features = ImageFeatures()
    features.fit(x, torch.full((n, 1), float("nan")))
    assert all(np.isfinite(view).all() for view in features.transform(torch.rand(5, *shape)).values())


def test_identical_images():
    features = ImageFeatures()
    features.fit(torch.zeros(10, 1, 8, 8))
    assert all(np.isfinite(view).all() for view in features.transform(torch.rand(5, 1, 8, 8)).values())


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        ([3.0, 7.0, float("nan"), 3.0], [0, 1, -1, 0]),
        ([0.5, 1.0, 2.0, 3.0], None),
        ([float("nan")] * 4, None),
        ([1.0] * 4, None),
    ],
)
def test_what_counts_as_a_label(column: list[float], expected: list[int] | None):
    classes = image_features._classes(torch.tensor(column)[:, None])
    assert (classes.tolist() if classes is not None else None) == expected
