"""The run folder: whole, damaged, of others, and what it is asked for."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

import anew
from anew.drawing import TOGETHER
from anew.errors import AnewError
from anew.run import Run


def train(source: str | Path, out: Path, **arguments: Any) -> Run:
    settings = {"width": 2, "batch": 16}
    return anew.train(
        source, "gan", size=1, examples=64, precision="fp32", settings=settings, show=False, out=out, **arguments
    )


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return train("digits", tmp_path_factory.mktemp("plain") / "run")


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return train("digits", tmp_path_factory.mktemp("told") / "run", given="label")


@pytest.fixture
def copied(told: Run, tmp_path: Path) -> Path:
    return Path(shutil.copytree(told.path, tmp_path / "copy"))


def same(a: anew.Samples, b: anew.Samples) -> bool:
    return all(np.array_equal(x, y) for x, y in zip(a, b, strict=True))


# --- loading


def test_loaded_is_what_was_saved(told: Run):
    again = anew.load(told.path)
    assert again.info == told.info
    assert again.finished
    assert same(again.sample(5), told.sample(5))
    state = load_file(told.weights)
    assert all(torch.equal(tensor.cpu(), state[name]) for name, tensor in again.model.state_dict().items())
    assert repr(again) == f"Run('{told.path}': gan, size 1, 64 examples, finished)"


def test_a_run_can_be_moved(copied: Path, told: Run):
    assert same(Run.load(str(copied)).sample(3), told.sample(3))


def test_loading_leaves_the_global_generator_alone(copied: Path):
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    Run.load(copied).sample(2)
    assert torch.equal(torch.rand(1), expected)


@pytest.mark.parametrize("name", ["", "nothing", "file"])
def test_not_a_run_folder(name: str, tmp_path: Path):
    (tmp_path / "file").touch()
    with pytest.raises(AnewError, match=r"run folder|damaged"):
        Run.load(tmp_path / name)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "damaged"),
        ('{"format": "anew run", "vers', "damaged"),
        ("[]", "not a JSON object"),
        ("\0\0", "damaged"),
        ("{}", "another program"),
        ('{"format": "other"}', "another program"),
        ('{"format": "anew run", "version": 99}', "version 99; this anew reads 1: upgrade anew"),
    ],
)
def test_what_is_wrong_with_run_json(content: str, message: str, copied: Path):
    (copied / "run.json").write_text(content)
    with pytest.raises(AnewError, match=message) as caught:
        Run.load(copied)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("key", ["model", "training"])
@pytest.mark.parametrize("value", [None, [], {}, "x"])
def test_run_json_without_what_it_needs(key: str, value: Any, copied: Path):
    info = json.loads((copied / "run.json").read_text()) | {key: value}
    (copied / "run.json").write_text(json.dumps(info))
    with pytest.raises(AnewError, match="damaged"):
        Run.load(copied).sample(1)


@pytest.mark.parametrize("file", ["x.json", "given.json"])
@pytest.mark.parametrize("content", [None, "", "{}", "[1]", '{"codec": 5}', '{"codec": "image"}', '{"codec": "table"}'])
def test_damaged_codec(file: str, content: str | None, copied: Path):
    path = copied / "codec" / file
    if content is None:
        path.unlink()
    else:
        path.write_text(content)
    with pytest.raises(AnewError) as caught:
        Run.load(copied).sample(1)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("known", [None, "x", [["a"]], [[{}]], [3]])
def test_damaged_known_values(known: Any, copied: Path):
    path = copied / "codec" / "given.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"known": known}))
    with pytest.raises(AnewError, match="damaged"):
        Run.load(copied).sample(1)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-50])


def pickled(path: Path) -> None:
    torch.save({"a": torch.zeros(1)}, path)


def of_another_model(path: Path) -> None:
    save_file({name: tensor[:1].clone() for name, tensor in load_file(path).items()}, path)


@pytest.mark.parametrize("damage", [cut, pickled, of_another_model])
def test_damaged_weights(damage, copied: Path):
    damage(copied / "weights.safetensors")
    with pytest.raises(AnewError, match="damaged or not of this run's model") as caught:
        Run.load(copied).sample(1)
    assert "\n" not in str(caught.value)


def test_no_weights_yet(copied: Path):
    (copied / "weights.safetensors").unlink()
    with pytest.raises(AnewError, match="no weights yet; run the same `anew train` command"):
        Run.load(copied).sample(1)


# --- sampling


def test_samples_depend_on_seed_and_index_only(plain: Run):
    many = plain.sample(TOGETHER + 5, seed=3)
    few = plain.sample(5, seed=3)
    assert len(many) == TOGETHER + 5
    arrays = [np.asarray(sample).astype(int) for sample in many]
    assert max(np.abs(a - np.asarray(b)).max() for a, b in zip(arrays, few)) <= 1  # levels, by rounding
    assert not same(plain.sample(5, seed=4), few)


def test_sampling_twice_is_the_same(plain: Run, told: Run):
    assert same(plain.sample(4), plain.sample(4))
    assert told.sample(4, seed=2).given == told.sample(4, seed=2).given


@pytest.mark.parametrize("n", [0, -1])
def test_too_few_samples(n: int, plain: Run):
    with pytest.raises(AnewError, match=f"cannot make {n} samples"):
        plain.sample(n)


def test_progress_is_told(plain: Run):
    seen: list[tuple[str, int, int]] = []
    plain.sample(TOGETHER + 1, on_progress=lambda *told: seen.append(told))
    assert seen == [("sampling", TOGETHER, TOGETHER + 1), ("sampling", TOGETHER + 1, TOGETHER + 1)]


@pytest.mark.parametrize("value", [7, "7", 7.0])
def test_given_is_kept(value: Any, told: Run):
    assert told.sample(3, {"label": value}).given == [{"label": 7}] * 3


def test_given_makes_a_difference(told: Run):
    assert not same(told.sample(3, {"label": 1}), told.sample(3, {"label": 7}))


def test_what_is_open_is_drawn_as_in_the_data(told: Run):
    counts = Counter(row["label"] for row in told.sample(300).given)
    assert set(counts) == set(range(10))
    assert max(counts.values()) < 70


def test_name_that_was_not_given(told: Run):
    with pytest.raises(AnewError, match=r"'colour' was not given in training; what was: label"):
        told.sample(1, {"colour": 3})


def test_value_that_was_not_in_the_data(told: Run):
    with pytest.raises(AnewError, match="unknown label '12'"):
        told.sample(1, {"label": 12})


def test_trained_without_given(plain: Run):
    assert plain.sample(2).given == []
    with pytest.raises(AnewError, match="trained without --given, so it cannot follow label"):
        plain.sample(1, {"label": 1})


def test_labels_of_a_sorted_folder_are_all_drawn(tmp_path: Path):
    """Those of the first 512 records would all be the same."""
    rng = np.random.default_rng(0)
    for i in range(1400):
        path = tmp_path / "data" / "ab"[i // 700] / f"{i}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 256, (4, 4), dtype=np.uint8)).save(path)
    run = train(tmp_path / "data", tmp_path / "run", given="label")
    assert {row["label"] for row in run.sample(40).given} == {"a", "b"}


def test_given_that_some_records_lack(tmp_path: Path):
    rng = np.random.default_rng(0)
    for i in range(40):
        path = tmp_path / "data" / ("a" if i % 2 else "") / f"{i}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 256, (4, 4), dtype=np.uint8)).save(path)
    run = train(tmp_path / "data", tmp_path / "run", given="label")
    samples = run.sample(20)
    assert {row["label"] for row in samples.given} == {"a", None}
    with np.load(samples.save(tmp_path / "x.npz")) as arrays:  # refuses what is pickled
        assert set(arrays["label"]) == {"a", ""}
