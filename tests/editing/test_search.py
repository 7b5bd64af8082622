"""Search in a latent space: nearer to what is wished for than chance, by the seed alone."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
import torch

import anew
from anew.editing.search import search
from anew.errors import AnewError
from anew.run import Run


@pytest.fixture(scope="module")
def levels(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Of caves of any share of walls, by a model that learned a little."""
    folder = tmp_path_factory.mktemp("levels")
    rng = np.random.default_rng(0)
    for number, share in enumerate(np.linspace(0.1, 0.9, 120)):
        rows = ["".join(row) for row in np.where(rng.random((5, 5)) < share, "#", ".")]
        (folder / f"{number}.lvl").write_text("\n".join(["S" + rows[0][1:], *rows[1:4], rows[4][:-1] + "G"]))
    options = {"model": "vae", "size": 1, "precision": "fp32", "show": False}
    return anew.train(
        folder, examples=2000, out=tmp_path_factory.mktemp("runs") / "run", settings={"batch": 20}, **options
    )


def walkable(samples: anew.Samples) -> np.ndarray:
    return samples.codec.traits(list(samples))["walkable"]


def test_samples_are_nearer_to_the_wish_than_chance(levels: Run):
    usual = np.abs(walkable(levels.sample(64)) - 0.9)
    state = np.random.get_state()[1].copy(), torch.get_rng_state()  # type: ignore[union-attr]
    found = search(levels, {"walkable": 0.9}, n=3, generations=6)
    assert np.abs(walkable(found) - 0.9).max() < usual.mean()
    assert len(found) == 3
    assert list(search(levels, {"walkable": 0.9}, n=3, generations=6)) == list(found)
    assert (np.random.get_state()[1] == state[0]).all(), "the global random numbers stay as they are"  # type: ignore[index]
    assert torch.equal(torch.get_rng_state(), state[1])


def test_with_mending_all_can_be_solved(levels: Run):
    found = search(levels, {"solvable": True, "walkable": 0.5}, n=3, generations=4, mend=True)
    assert levels.codec.traits(list(found))["solvable"].all()


def test_what_cannot_be_searched_for(levels: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    with pytest.raises(AnewError, match=r"unknown trait 'walkabel'.*did you mean 'walkable'"):
        search(levels, {"walkabel": 1.0})
    with pytest.raises(AnewError, match="nothing to search for"):
        search(levels, {})
    with pytest.raises(AnewError, match="without --given"):
        search(levels, {"walkable": 1.0}, given={"label": "a"})
    monkeypatch.setitem(sys.modules, "cma", None)
    with pytest.raises(AnewError, match=r"pip install 'anew\[levels\]'"):
        search(levels, {"walkable": 1.0}, n=1)
    plain = anew.train("digits", "gan", size=1, examples=64, show=False, precision="fp32", out=tmp_path / "run")
    with pytest.raises(AnewError, match="no latent space to search in"):
        search(plain, {"walkable": 1.0})
