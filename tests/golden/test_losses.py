"""Loss curves of every recipe as text, so that a change of what is learned shows in the diff.

After a change that is meant, write them again:  ANEW_GOLDEN=losses pytest tests/golden
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch

from anew.models import recipes
from toys import SPACES, home, tiny, trainer

FILE = Path(__file__).with_name("losses.txt")
WRITE = "losses" in os.environ.get("ANEW_GOLDEN", "").split(",")
RECORDS, STEPS = 8, 3  # of training, between two records
RTOL, ATOL = 0.02, 0.005  # other processors round otherwise, and players amplify it


def curves(recipe: str) -> dict[str, list[float]]:
    """{"vae loss": [means of STEPS steps]}"""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    session = trainer(tiny(recipe, SPACES[home(recipe)], lr=2e-3), RECORDS * STEPS)
    seen = [session.advance() for _ in range(session.steps)]
    torch.set_num_threads(threads)
    names = [name for name in seen[0] if name.endswith("loss")]
    return {
        f"{recipe} {name}": torch.stack([step[name] for step in seen]).view(-1, STEPS).mean(1).tolist()
        for name in names
    }


def read() -> dict[str, list[float]]:
    lines = [line.split() for line in FILE.read_text(encoding="utf-8").splitlines()]
    return {" ".join(words[:2]): [float(word) for word in words[2:]] for words in lines}


@pytest.fixture(scope="module", autouse=True)
def _write() -> None:
    if WRITE:
        found = {name: values for recipe in recipes() for name, values in curves(recipe).items()}
        lines = (f"{name} {' '.join(f'{value:.4g}' for value in values)}\n" for name, values in found.items())
        FILE.write_text("".join(lines), encoding="utf-8")


@pytest.mark.parametrize("recipe", recipes())
def test_curves(recipe: str):
    told = read()
    for name, values in curves(recipe).items():
        assert name in told, "a new recipe: write the curves again (see above)"
        assert values == pytest.approx(told[name], rel=RTOL, abs=ATOL), name


def test_no_curve_of_what_is_gone():
    assert {name.split()[0] for name in read()} == set(recipes())
