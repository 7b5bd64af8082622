"""`kill -9` at any moment, the same command again, and the weights are those of an undisturbed run."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

import anew

SETTINGS = {"width": "8", "batch": "16", "latent": "4"}
ALONE = os.environ | {"OMP_NUM_THREADS": "1"}


def undisturbed(out: Path, steps: int) -> Path:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        return anew.train(
            "digits", "vae", size=1, examples=16 * steps, precision="fp32", out=out, settings=SETTINGS, show=False
        ).weights
    finally:
        torch.set_num_threads(threads)


def start(out: Path, steps: int) -> subprocess.Popen[bytes]:
    command = f"-m anew.cli train digits --model vae --size 1 --examples {16 * steps} --precision fp32".split()
    settings = [text for key, value in SETTINGS.items() for text in ("--set", f"{key}={value}")]
    command = [sys.executable, *command, *settings, "--out", str(out)]
    return subprocess.Popen(command, env=ALONE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def finish(process: subprocess.Popen[bytes]) -> None:
    _, told = process.communicate(timeout=300)
    assert process.returncode == 0, told.decode()


def size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def kill_in_training(process: subprocess.Popen[bytes], out: Path, later: float) -> bool:
    """Some time after its first record; False if it ended before."""
    seen = size(out / "metrics.jsonl")
    while process.poll() is None and size(out / "metrics.jsonl") <= seen:
        seen = min(seen, size(out / "metrics.jsonl"))  # what came after the last checkpoint is cut off first
        time.sleep(0.01)
    time.sleep(later)
    return kill(process)


def kill(process: subprocess.Popen[bytes]) -> bool:
    alive = process.poll() is None
    process.kill()
    process.communicate()
    return alive


def check(tmp_path: Path, steps: int, moments: list[tuple[bool, float]], at_least: int) -> None:
    """Each moment is (in training?, seconds after that begins)."""
    whole, out, killed = undisturbed(tmp_path / "whole", steps), tmp_path / "killed", 0
    for in_training, later in moments:
        process = start(out, steps)
        if in_training:
            killed += kill_in_training(process, out, later)
        else:
            time.sleep(later)
            kill(process)
    assert killed >= at_least, "too few of the kills were in training; give it more steps"
    finish(start(out, steps))
    assert (out / "weights.safetensors").read_bytes() == whole.read_bytes()
    assert not list(out.rglob("*.new"))


def test_killed_twice(tmp_path: Path):
    check(tmp_path, 400, [(True, 0.2), (True, 0.0)], at_least=1)


@pytest.mark.slow
def test_killed_ten_times_at_any_moment(tmp_path: Path):
    draws = random.Random(0)
    moments = [(i % 3 != 0, draws.uniform(0, 1.0 if i % 3 else 6.0)) for i in range(10)]
    check(tmp_path, 3000, moments, at_least=4)
