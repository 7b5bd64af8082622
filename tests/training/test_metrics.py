"""metrics.jsonl and the means in it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from anew.errors import AnewError
from anew.training import metrics


def test_means_since_the_last_record():
    meter = metrics.Meter()
    for value in (1.0, 3.0):
        meter.add({"loss": torch.tensor(value), "kl": torch.tensor(float("nan"))})
    assert meter.read() == {"loss": 2.0}
    meter.add({"loss": torch.tensor(5.0)})
    assert meter.read() == {"loss": 5.0}
    assert meter.read() == {}


def test_written_and_read(tmp_path: Path):
    path = tmp_path / "metrics.jsonl"
    metrics.append(path, {"examples": 12345678, "loss": 1 / 3})
    metrics.append(path, {"examples": 12345679, "loss": 1e-9})
    assert metrics.read(path) == [{"examples": 12345678, "loss": 0.333333}, {"examples": 12345679, "loss": 1e-9}]


def test_nothing_yet(tmp_path: Path):
    assert metrics.read(tmp_path / "none") == []
    metrics.truncate(tmp_path / "none", 5)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("tail", ['{"examples": 30, "lo', "null", "[3]", '{"loss": 1}', "\0\0\0"])
def test_a_damaged_line_is_no_record(tmp_path: Path, tail: str):
    path = tmp_path / "metrics.jsonl"
    whole = [{"examples": 10, "loss": 1.0}, {"examples": 20, "loss": 0.5}]
    path.write_text("".join(json.dumps(record) + "\n" for record in whole) + tail)
    assert metrics.read(path) == whole


def test_what_came_after_the_checkpoint_is_dropped(tmp_path: Path):
    path = tmp_path / "metrics.jsonl"
    for examples in (10, 20, 30):
        metrics.append(path, {"examples": examples, "loss": 1.0})
    path.write_text(path.read_text() + '{"examples": 40, "lo')
    metrics.truncate(path, 20)
    metrics.append(path, {"examples": 30, "loss": 2.0})
    assert [record["examples"] for record in metrics.read(path)] == [10, 20, 30]
    assert metrics.read(path)[-1]["loss"] == 2.0


def test_cannot_be_written(tmp_path: Path):
    with pytest.raises(AnewError, match="run the same command"):
        metrics.append(tmp_path / "no" / "metrics.jsonl", {"examples": 1})
