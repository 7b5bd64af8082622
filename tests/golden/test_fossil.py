"""A run of long ago loads and makes the same samples for ever.

When the format of runs changes, a fossil of the new version is put beside this one, which stays. Only while no
version is released may it be made again:  ANEW_GOLDEN=fossil pytest tests/golden
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import numpy as np
import pytest

import anew
from anew.run import Run

HERE = Path(__file__).parent
RUN, SAMPLES = HERE / "run", HERE / "samples.npz"
WRITE = "fossil" in os.environ.get("ANEW_GOLDEN", "").split(",")
LEVELS = 2  # of 256, that a sample may differ by on another processor


@pytest.fixture(scope="module", autouse=True)
def _write(tmp_path_factory: pytest.TempPathFactory) -> None:
    if not WRITE:
        return
    made = anew.train(
        "digits", "vae", given="label", size=1, examples=30_000, precision="fp32", seed=0,
        settings={"width": 4, "latent": 6}, out=tmp_path_factory.mktemp("fossil") / "run", show=False,
    )  # fmt: skip
    shutil.rmtree(RUN, ignore_errors=True)
    for name in ("run.json", "codec/x.json", "codec/given.json", "weights.safetensors"):
        (RUN / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(made.path / name, RUN / name)
    SAMPLES.unlink(missing_ok=True)
    Run.load(RUN).sample(10, seed=1).save(SAMPLES)


def test_samples_are_those_of_then():
    samples = Run.load(RUN).sample(10, seed=1)
    with np.load(SAMPLES) as then:
        assert [row["label"] for row in samples.given] == then["label"].tolist()
        now = samples.codec.to_array(samples.items).astype(int)
        assert np.abs(now - then["x"].astype(int)).max() <= LEVELS


def test_it_follows_what_is_given():
    assert Run.load(RUN).sample(3, {"label": "7"}).given == [{"label": 7}] * 3


def test_it_says_what_it_is():
    run = Run.load(RUN)
    assert run.finished
    assert "vae, size 1, 30,000 examples, finished" in repr(run)


def test_it_is_small_and_whole():
    files = {str(path.relative_to(RUN)): path.stat().st_size for path in RUN.rglob("*") if path.is_file()}
    assert files.keys() == {"run.json", "codec/x.json", "codec/given.json", "weights.safetensors"}
    assert sum(files.values()) < 120_000
