"""Search in the latent space of a model for samples with wished traits.

As Volz et al. (2018) evolve levels of Mario in the latent space of a GAN: by CMA-ES (Hansen and Ostermeier 2001), which
needs no gradient, so that anything which can be counted in a sample can be asked for.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from types import ModuleType
from typing import Any

import numpy as np
import torch
from torch import Tensor

from anew.display import OnProgress
from anew.errors import AnewError, unknown
from anew.models.model import Encodes
from anew.rng import generator
from anew.run import Run
from anew.samples import Samples

_GENERATIONS, _SPREAD = 60, 0.5  # the spread is in standard deviations of the latents
_USUAL = 64  # samples that tell how far apart traits usually are
_FULL = 200  # dimensions up to which covariances are learned; beyond, variances alone (Ros and Hansen 2008)
_SENSELESS = 10.0  # what a trait misses that makes no sense in a sample, in deviations


def search(
    run: Run,
    wishes: Mapping[str, float],
    n: int = 16,
    given: Mapping[str, Any] | None = None,
    seed: int = 0,
    generations: int = _GENERATIONS,
    mend: bool = False,
    on_progress: OnProgress | None = None,
) -> Samples:
    """`n` samples whose traits are as near to the wishes as could be found: {"steps": 40, "solvable": True}.

    Each is the best of a search of its own, which starts at a random place of the latent space and stays where samples
    usually come from. What is missed counts in standard deviations of a trait. With `mend`, samples are mended before
    anything is counted. Raises AnewError for a model without latents, and for traits that the codec does not count.
    """
    if not isinstance(run.model, Encodes):
        raise AnewError(f"'{run.path}' has no latent space to search in; train with --model vae")
    seek = _Seek(run, wishes, mend)
    size, told = math.prod(run.model.latent_shape), run.draw_given(n, given or {}, seed)
    starts = torch.randn(n, size, generator=generator(seed, "search")).numpy()
    searches = [_strategy(start, np.random.default_rng((seed, i))) for i, start in enumerate(starts)]
    best: list[Any] = [None] * n
    misses = np.full(n, np.inf)
    for done in range(generations):
        asked = [search.ask() for search in searches]
        owner = np.repeat(np.arange(n), [len(each) for each in asked])
        samples, missed = seek(np.concatenate(asked), None if told is None else told[owner])
        for i, (one, points) in enumerate(zip(searches, asked)):
            mine = np.flatnonzero(owner == i)
            one.tell(points, missed[mine].tolist())
            if missed[winner := mine[missed[mine].argmin()]] < misses[i]:
                misses[i], best[i] = missed[winner], samples[winner]
        if on_progress:
            on_progress("searching", done + 1, generations)
        if not misses.any():
            break
    rows = run.given.rows(told) if run.given and told is not None else []
    return Samples(run.codec, best, rows, generations * n * len(asked[0]))


class _Seek:
    """From points of the latent space to samples, and what they miss of the wishes."""

    def __init__(self, run: Run, wishes: Mapping[str, float], mend: bool):
        self.run, self.wishes, self.mend = run, wishes, mend
        if not wishes:
            raise AnewError("there is nothing to search for; wish for a trait, such as steps=40")
        usual = run.codec.traits(self._mended(list(run.sample(_USUAL))))
        for name in wishes:
            if name not in usual:
                raise unknown("trait", name, usual)
        self.scales = {name: float(np.nanstd(usual[name].astype(np.float64))) or 1.0 for name in wishes}

    @torch.no_grad()
    def __call__(self, points: np.ndarray, told: Tensor | None) -> tuple[Sequence[Any], np.ndarray]:
        """Of points (m, D): samples, and (m,) how far they are from the wishes."""
        model: Any = self.run.model
        device = next(model.parameters()).device
        z = torch.from_numpy(_near(points)).float().to(device).unflatten(1, model.latent_shape)
        x = model.decode(z, None if told is None else told.to(device))
        samples = self._mended(self.run.codec.decode(x.cpu()))
        traits = self.run.codec.traits(samples)
        missed = [abs(traits[name].astype(np.float64) - wish) / self.scales[name] for name, wish in self.wishes.items()]
        return samples, np.nan_to_num(np.stack(missed), nan=_SENSELESS).sum(0)

    def _mended(self, samples: Any) -> Any:
        codec: Any = self.run.codec
        return codec.mend(samples)[0] if self.mend else samples


def _near(points: np.ndarray) -> np.ndarray:
    """Points (m, D) drawn in to where standard normal ones lie: sqrt(D) from the middle, or less."""
    length = np.linalg.norm(points, axis=1, keepdims=True)
    return points * np.minimum(1, points.shape[1] ** 0.5 / np.maximum(length, 1e-9))


def _strategy(start: np.ndarray, rng: np.random.Generator) -> Any:
    options = {
        "randn": lambda *shape: rng.standard_normal(shape),
        "seed": math.nan,  # the global one stays as it is
        "CMA_diagonal": len(start) > _FULL,
        "verbose": -9,
    }
    return _library().CMAEvolutionStrategy(start, _SPREAD, options)


def _library() -> ModuleType:
    try:
        import cma
    except ImportError as error:
        raise AnewError("searching needs the library cma; pip install 'anew[levels]'") from error
    return cma
