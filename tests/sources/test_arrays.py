"""idx, .npy and .npz files as they are about, and damaged ones."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from anew.errors import AnewError
from anew.sources import open_source

rng = np.random.default_rng(0)
IMAGES = rng.integers(0, 256, (6, 5, 7), dtype=np.uint8)


def write_idx(path: Path, array: np.ndarray, cut: int | None = None) -> None:
    header = struct.pack(f">{array.ndim + 1}I", 0x800 + array.ndim, *array.shape)
    data = (header + array.tobytes())[:cut]
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)


@pytest.mark.parametrize(
    ("images", "labels"),
    [
        ("train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz"),
        ("train-images-idx3-ubyte", "train-labels-idx1-ubyte.gz"),
        ("train-images.idx3-ubyte", "train-labels.idx1-ubyte"),
        ("emnist.images-idx3-ubyte", "emnist.labels-idx1-ubyte"),
    ],
)
@pytest.mark.parametrize("whole_folder", [True, False])
def test_idx(tmp_path: Path, images: str, labels: str, whole_folder: bool):
    write_idx(tmp_path / images, IMAGES)
    write_idx(tmp_path / labels, np.arange(6, dtype=np.uint8))
    source = open_source(tmp_path if whole_folder else tmp_path / images)
    records = list(source)
    assert len(source) == 6
    assert np.array_equal([r.content for r in records], IMAGES)
    assert [r.given for r in records] == [{"label": i} for i in range(6)]


def test_idx_folder_with_two_parts_and_doubles(tmp_path: Path):
    for name in ("train", "t10k"):
        write_idx(tmp_path / f"{name}-images-idx3-ubyte.gz", IMAGES)
    write_idx(tmp_path / "train-images-idx3-ubyte", IMAGES)
    write_idx(tmp_path / "t10k-labels-idx1-ubyte", np.arange(6, dtype=np.uint8))
    source = open_source(tmp_path)
    assert len(source) == len(list(source)) == 12
    assert [bool(r.given) for r in source] == [True] * 6 + [False] * 6


@pytest.mark.parametrize("suffix", ["", ".gz"])
@pytest.mark.parametrize("cut", [3, 10, 16, 40])
def test_truncated_idx(tmp_path: Path, suffix: str, cut: int):
    write_idx(tmp_path / f"x-images-idx3-ubyte{suffix}", IMAGES, cut)
    with pytest.raises(AnewError, match="damaged"):
        list(open_source(tmp_path))


def test_truncated_gzip_and_wrong_files(tmp_path: Path):
    path = tmp_path / "x-images-idx3-ubyte.gz"
    write_idx(path, IMAGES)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(AnewError, match="damaged"):
        list(open_source(path))
    path.write_bytes(b"this is not an idx file at all")
    with pytest.raises(AnewError, match="is not an idx file"):
        open_source(path)


def test_idx_labels_that_do_not_fit(tmp_path: Path):
    write_idx(tmp_path / "x-images-idx3-ubyte", IMAGES)
    write_idx(tmp_path / "x-labels-idx1-ubyte", np.arange(5, dtype=np.uint8))
    with pytest.raises(AnewError, match=r"6 images.*5 labels"):
        open_source(tmp_path)


def contents(path: Path) -> np.ndarray:
    return np.array([record.content for record in open_source(path)])


COLOUR = rng.integers(0, 256, (6, 5, 7, 3), dtype=np.uint8)


@pytest.mark.parametrize(
    ("stored", "expected"),
    [
        (IMAGES, IMAGES),
        (COLOUR, COLOUR),
        (COLOUR.transpose(0, 3, 1, 2), COLOUR),
        (IMAGES[..., None], IMAGES[..., None]),
        (IMAGES.astype(np.uint16) * 257, IMAGES.astype(np.uint16) * 257),
        (IMAGES > 128, IMAGES > 128),
        (IMAGES.astype(np.int64), IMAGES),
        (IMAGES.astype(np.int64) * 257, IMAGES.astype(np.uint16) * 257),
        (IMAGES / 255, IMAGES),
        ((IMAGES / 127.5 - 1).astype(np.float32), IMAGES),
        (IMAGES.astype(np.float16), IMAGES),
    ],
    ids=["HW", "HWC", "CHW", "HW1", "uint16", "bool", "int", "wide int", "unit", "signed", "float 255"],
)
@pytest.mark.parametrize("suffix", [".npy", ".npz"])
def test_numpy(tmp_path: Path, stored: np.ndarray, expected: np.ndarray, suffix: str):
    path = tmp_path / f"data{suffix}"
    np.save(path, stored) if suffix == ".npy" else np.savez_compressed(path, stored)
    assert np.array_equal(contents(path), expected)
    assert contents(path).dtype == expected.dtype


@pytest.mark.parametrize("keys", [("images", "labels"), ("x", "y"), ("x_train", "y_train"), ("data", "targets")])
def test_npz_keys(tmp_path: Path, keys: tuple[str, str]):
    labels = np.array(["a", "b"] * 3) if keys[0] == "x" else np.arange(6)[:, None]
    np.savez(tmp_path / "a.npz", **{keys[0]: IMAGES, keys[1]: labels, "x_test": IMAGES[:2]})
    given = [r.given["label"] for r in open_source(tmp_path / "a.npz")]
    assert given == labels.reshape(-1).tolist()


def test_dark_picture_stays_dark(tmp_path: Path):
    values = np.zeros((2, 3, 3))
    values[1] = 200
    np.save(tmp_path / "a.npy", values)
    assert [c.max() for c in contents(tmp_path / "a.npy")] == [0, 200]


def test_nan_is_left_to_the_codec(tmp_path: Path):
    values = IMAGES / 255
    values[2, 0, 0] = np.nan
    np.save(tmp_path / "a.npy", values)
    records = list(open_source(tmp_path / "a.npy"))
    assert [r.content.dtype.kind for r in records] == ["u", "u", "f", "u", "u", "u"]


class Unpickled:
    def __reduce__(self) -> Any:
        return (pytest.fail, ("a pickle was loaded",))


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.zeros((5, 4), np.uint8), r"shape \(5, 4\)"),
        (np.zeros((5, 6, 6, 2), np.uint8), "shape"),
        (np.zeros((0, 4, 4), np.uint8), "shape"),
        (np.array([Unpickled()] * 8, object).reshape(2, 2, 2), "object"),
        (np.full((2, 3, 3), "a"), "type"),
        (np.array([[[-3.0, 7.0]]]), "from -3 to 7"),
    ],
)
def test_arrays_that_are_no_images(tmp_path: Path, array: np.ndarray, message: str):
    np.save(tmp_path / "a.npy", array, allow_pickle=True)
    with pytest.raises(AnewError, match=message):
        list(open_source(tmp_path / "a.npy"))


@pytest.mark.parametrize("name", ["a.npy", "a.npz"])
@pytest.mark.parametrize("keep", [0, 4, 30, 150])
def test_truncated_numpy(tmp_path: Path, name: str, keep: int):
    path = tmp_path / name
    np.save(path, IMAGES) if name == "a.npy" else np.savez(path, IMAGES)
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(AnewError, match="damaged"):
        list(open_source(path))


def test_npz_that_does_not_fit(tmp_path: Path):
    np.savez(tmp_path / "a.npz", images=IMAGES, labels=np.arange(5))
    with pytest.raises(AnewError, match="one label per image"):
        open_source(tmp_path / "a.npz")
    np.savez(tmp_path / "b.npz", one=IMAGES, two=IMAGES)
    with pytest.raises(AnewError, match=r"found one \(6, 5, 7\), two"):
        open_source(tmp_path / "b.npz")
