"""One file that is whole or not there."""

from __future__ import annotations

import errno
import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from anew.errors import AnewError
from anew.training.checkpoint import load_checkpoint, save_checkpoint, save_weights
from anew.training.trainer import Trainer
from anew.writing import sweep, write_json
from toys import SPACES, tiny, trainer


def session(space: str = "fields") -> Trainer:
    return trainer(tiny("vae", SPACES[space]), 5)


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    path = tmp_path / "checkpoint" / "state.safetensors"
    begun = session()
    begun.advance()
    save_checkpoint(begun, path, 1.0)
    return path


def test_none_yet(tmp_path: Path):
    begun = session()
    assert load_checkpoint(begun, tmp_path / "none") == 0
    assert begun.step == 0


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


def empty(path: Path) -> None:
    path.write_bytes(b"")


def junk(path: Path) -> None:
    path.write_bytes(b"\xff" * 1000)


def fewer(path: Path) -> None:
    save_file(dict(list(load_file(path).items())[1:]), path, {"step": "1", "seconds": "1.0"})


def other_shape(path: Path) -> None:
    tensors = load_file(path)
    name = max(tensors, key=lambda name: tensors[name].numel())
    save_file(tensors | {name: torch.zeros(3, 3, 3)}, path, {"step": "1", "seconds": "1.0"})


def untold(path: Path) -> None:
    save_file(load_file(path), path)


def a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


@pytest.mark.parametrize("damage", [cut, empty, junk, fewer, other_shape, untold, a_folder])
def test_damage_is_told_in_one_line(saved: Path, damage):
    damage(saved)
    with pytest.raises(AnewError, match="damaged") as caught:
        load_checkpoint(session(), saved)
    assert "\n" not in str(caught.value)
    assert str(saved) in str(caught.value)


def test_checkpoint_of_another_model(saved: Path):
    with pytest.raises(AnewError, match="damaged"):
        load_checkpoint(session("tokens"), saved)


def test_full_disk_keeps_the_old_one(saved: Path, monkeypatch: pytest.MonkeyPatch):
    before = saved.read_bytes()

    def full(path: Path, content: bytes) -> int:
        path.open("wb").write(content[:10])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(AnewError, match="No space left"):
        save_checkpoint(session(), saved, 2.0)
    with pytest.raises(AnewError, match="No space left"):
        save_weights(session(), saved.parent / "weights.safetensors")
    with pytest.raises(AnewError, match="No space left"):
        write_json(saved.parent / "run.json", {})
    assert saved.read_bytes() == before
    assert [path.name for path in saved.parent.iterdir()] == [saved.name]


def test_the_old_one_is_never_written_into(saved: Path):
    """Who has it open, or loses power on the way, has the whole old one."""
    before, kept = saved.read_bytes(), saved.parent.parent / "kept"
    kept.hardlink_to(saved)
    save_checkpoint(session(), saved, 2.0)
    assert saved.read_bytes() != before
    assert kept.read_bytes() == before


def test_what_a_killed_process_left_is_swept_up(saved: Path):
    left = saved.parent / f".{saved.name}.123.new"
    left.write_bytes(b"half")
    sweep(saved.parent.parent)
    assert [path.name for path in saved.parent.iterdir()] == [saved.name]


def test_weights_hold_the_average_and_nothing_else(tmp_path: Path):
    begun = session()
    begun.advance()
    save_weights(begun, tmp_path / "weights.safetensors")
    names = load_file(tmp_path / "weights.safetensors").keys()
    assert names == begun.model.state_dict().keys()
    header = (tmp_path / "weights.safetensors").read_bytes()
    size = int.from_bytes(header[:8], "little")
    assert json.loads(header[8 : 8 + size]).keys() >= names
