"""A small classifier of digits, trained on training images only: its features are what quality is measured in."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import blake2b
from pathlib import Path

import numpy as np
import torch
from digits import Digits
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn import functional as F

CACHE = Path(__file__).parent / ".cache"
VERSION = 1  # of the network and its training; raise it when they change
FEATURES, CLASSES = 64, 10
STEPS, EPOCHS, BATCH, RATE = 2500, 50, 128, 3e-3  # steps and epochs: at most
CHUNK = 1000
MOST_SHIFT = 14  # a picture may be moved by 1/14 of its side


class Classifier(nn.Module):
    """(B, 1, H, W) in [-1, 1] to 64 features; `head` names the digit from them."""

    def __init__(self, side: int):
        super().__init__()
        stride = 2 if side >= 16 else 1
        self.body = nn.Sequential(
            *(nn.Conv2d(1, 32, 3, stride, 1, bias=False), nn.BatchNorm2d(32), nn.ReLU()),
            *(nn.Conv2d(32, 64, 3, 1, 1, bias=False), nn.BatchNorm2d(64), nn.ReLU(), nn.MaxPool2d(2)),
            *(nn.Conv2d(64, 64, 3, 1, 1, bias=False), nn.BatchNorm2d(64), nn.ReLU(), nn.AdaptiveMaxPool2d(4)),
            *(nn.Flatten(), nn.Dropout(0.3), nn.Linear(64 * 16, FEATURES), nn.ReLU()),
        )
        self.head = nn.Linear(FEATURES, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        return self.body(x)

    def features(self, images: np.ndarray) -> np.ndarray:
        """float64 (n, 64) of uint8 (n, H, W)"""
        return self._over(images, lambda x: self(x)).double().numpy()

    def classes(self, images: np.ndarray) -> np.ndarray:
        """int64 (n,)"""
        return self._over(images, lambda x: self.head(self(x)).argmax(1)).numpy()

    def accuracy(self, digits: Digits) -> float:
        return float((self.classes(digits.images) == digits.labels).mean())

    @torch.no_grad()
    def _over(self, images: np.ndarray, see: Callable[[Tensor], Tensor]) -> Tensor:
        self.eval()
        return torch.cat([see(_unpack(torch.from_numpy(images[i : i + CHUNK]))) for i in range(0, len(images), CHUNK)])


def trained(digits: Digits) -> Classifier:
    """Trained on these with a fixed seed, or as it was kept under bench/.cache when they were first seen."""
    model = Classifier(digits.side)
    key = blake2b(digits.images.tobytes() + digits.labels.tobytes(), digest_size=8).hexdigest()
    path = CACHE / f"classifier-{VERSION}-{key}.safetensors"
    if not path.exists():
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            model = _train(Classifier(digits.side), digits)
        CACHE.mkdir(exist_ok=True)
        save_file(model.state_dict(), path)
    model.load_state_dict(load_file(path))
    return model.eval().requires_grad_(False)


class Judge:
    """The test images as a classifier of the training images sees them, and the floors."""

    def __init__(self, train: Digits, test: Digits):
        self.classifier = trained(train)
        self.accuracy = self.classifier.accuracy(test)
        self._train, self._test = (self.classifier.features(part.images) for part in (train, test))
        self.floors: dict[int, float] = {}

    def frechet(self, images: np.ndarray) -> dict[str, float]:
        """The distance of n images and how many times the floor of that n it is."""
        n = len(images)
        if n not in self.floors:
            self.floors[n] = floor(self._train, self._test, n)
        distance = frechet(self.classifier.features(images), self._test)
        return {"frechet": distance, "times_floor": distance / self.floors[n]}

    def follows(self, images: np.ndarray, labels: np.ndarray) -> float | None:
        """The share of images that it names as they were asked for; None if nothing was."""
        return None if np.isnan(labels).any() else float((self.classifier.classes(images) == labels).mean())


def _train(model: Classifier, digits: Digits) -> Classifier:
    images, labels = torch.from_numpy(digits.images), torch.from_numpy(digits.labels)
    optimiser = torch.optim.AdamW(model.parameters(), RATE, weight_decay=0.01)
    steps = min(STEPS, EPOCHS * len(images) // BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, RATE, total_steps=steps)
    for _ in range(steps):
        rows = torch.randint(len(images), (BATCH,))
        seen = model(_shift(_unpack(images[rows]), digits.side // MOST_SHIFT))
        loss = F.cross_entropy(model.head(seen), labels[rows])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
    return model


def _unpack(images: Tensor) -> Tensor:
    """uint8 (B, H, W) to (B, 1, H, W) in [-1, 1]"""
    return images[:, None].float() / 127.5 - 1


def _shift(x: Tensor, most: int) -> Tensor:
    """The whole batch moved by up to `most` pixels; digits have an empty border."""
    down, right = torch.randint(-most, most + 1, (2,)).tolist()
    return x.roll((down, right), (2, 3))


def frechet(x: np.ndarray, y: np.ndarray) -> float:
    """Fréchet distance of the Gaussians fitted to (n, d) and (m, d) (Heusel et al. 2017, equation 6)."""
    (mean, cov), (other, other_cov) = ((z.mean(0), np.cov(z, rowvar=False)) for z in (x, y))
    root = _root(cov)
    middle = np.linalg.eigvalsh(root @ other_cov @ root).clip(min=0)  # those of cov @ other_cov
    return float(((mean - other) ** 2).sum() + np.trace(cov + other_cov) - 2 * np.sqrt(middle).sum())


def floor(train: np.ndarray, test: np.ndarray, n: int, draws: int = 5) -> float:
    """What n real examples score, drawn from `train` without putting back: the mean of several draws."""
    rng = np.random.default_rng(0)
    rows = (rng.choice(len(train), min(n, len(train)), replace=False) for _ in range(draws))
    return float(np.mean([frechet(train[chosen], test) for chosen in rows]))


def _root(cov: np.ndarray) -> np.ndarray:
    """The symmetric square root of a covariance."""
    values, vectors = np.linalg.eigh(cov)
    return (vectors * np.sqrt(values.clip(min=0))) @ vectors.T
