"""Two processes learn what one does."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import torch

import anew
from anew.errors import AnewError
from anew.run import Run
from anew.training import metrics
from anew.training.distributed import default_device, launch

TINY = {"width": 4, "batch": 16}


def train(model: str, out: Path, devices: int, **settings: Any) -> Run:
    return anew.train(
        "digits", model, size=1, examples=16 * 12, precision="fp32", out=out, devices=devices, given="label",
        settings=TINY | settings, show=False,
    )  # fmt: skip


def assert_same_curves(model: str, tmp_path: Path, **settings: Any) -> None:
    one, two = (train(model, tmp_path / str(devices), devices, **settings) for devices in (1, 2))
    assert two.finished
    curves = [metrics.read(run.metrics) for run in (one, two)]
    assert len(curves[0]) == len(curves[1]) == 12
    for alone, together in zip(*curves, strict=True):
        assert alone.keys() == together.keys()
        for name in alone.keys() - {"seconds", "examples_per_second"}:
            assert together[name] == pytest.approx(alone[name], rel=1e-4, abs=1e-5), (name, alone["examples"])
    for a, b in zip(one.model.parameters(), two.model.parameters(), strict=True):
        assert torch.allclose(a, b, atol=1e-4)


def test_two_processes_are_one_with_the_same_batch(tmp_path: Path):
    assert_same_curves("vae", tmp_path, network="mlp")


@pytest.mark.slow
@pytest.mark.parametrize("model", ["r3gan", "flow_matching"])
def test_with_players_and_pictures(model: str, tmp_path: Path):
    assert_same_curves(model, tmp_path)


@pytest.mark.slow
def test_a_mistake_in_a_process_is_told_in_one_line(tmp_path: Path):
    with pytest.raises(AnewError, match=r"^training diverged[^\n]*$"):
        anew.train(
            "digits", "vae", size=1, examples=16 * 100, precision="fp32", out=tmp_path / "run", devices=2,
            settings=TINY | {"lr": 1e30, "clip": 0}, show=False,
        )  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_stopped_processes_save(number: signal.Signals, tmp_path: Path):
    command = [sys.executable, *f"-m anew.cli train digits --model vae --size 1 --examples {10**7}".split()]
    command += ["--precision", "fp32", "--set", "width=4", "--devices", "2", "--out", str(tmp_path / "run")]
    process = subprocess.Popen(command, start_new_session=True, stderr=subprocess.PIPE, text=True)
    while process.poll() is None and not (tmp_path / "run" / "metrics.jsonl").exists():
        time.sleep(0.1)
    if number == signal.SIGINT:  # as a terminal does: all of them
        os.killpg(process.pid, number)
    else:
        process.send_signal(number)
    _, told = process.communicate(timeout=60)
    assert process.returncode == 130, told
    assert "the same command goes on from here" in told
    assert (tmp_path / "run" / "checkpoint" / "state.safetensors").exists()


@pytest.mark.skipif(torch.cuda.is_available(), reason="counts GPUs")
def test_without_a_gpu_it_is_the_cpu():
    assert default_device() == torch.device("cpu")


def test_more_gpus_than_there_are(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    with pytest.raises(AnewError, match="more than the 2 GPUs"):
        launch(print, 3)
