"""Samples as pictures, arrays, tables and folders."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet
import pytest
from PIL import Image

from anew.codecs import make_codec
from anew.codecs.dataset import prepare
from anew.errors import AnewError
from anew.samples import Samples
from anew.sources import open_source

LABELS = ["猫", "a/b", "", "..", 'x"<y>|?*:\\', "plain"] * 2


def samples(labels: list[Any] | None = None) -> Samples:
    rng = np.random.default_rng(0)
    images = [Image.fromarray(array) for array in rng.integers(0, 256, (12, 5, 7), dtype=np.uint8)]
    codec = make_codec("image")
    codec.fit(iter(images))
    return Samples(codec, images, [{"label": label, "size": i} for i, label in enumerate(labels or [])])


def pixels(image: Any) -> list[Any]:
    return np.asarray(image).tolist()


def test_is_a_sequence():
    made = samples(LABELS)
    assert len(made) == 12
    assert made[1] is made.items[1]
    assert isinstance(made[2:4], Samples)
    assert made[2:4].given == made.given[2:4]
    assert len(list(made)) == 12
    assert repr(made) == "Samples(12 of the kind image)"


def test_picture(tmp_path: Path):
    path = samples().save(tmp_path / "new" / "x.PNG")
    assert path == tmp_path / "new" / "x.PNG"
    assert Image.open(path).size[0] > 7
    assert Image.open(io.BytesIO(samples()._repr_png_())).format == "PNG"


def test_arrays(tmp_path: Path):
    with np.load(samples(LABELS).save(tmp_path / "x.npz")) as arrays:
        assert arrays["x"].shape == (12, 5, 7)
        assert arrays["x"].dtype == np.uint8
        assert arrays["label"].tolist() == LABELS
        assert arrays["size"].tolist() == list(range(12))


@pytest.mark.parametrize(
    ("values", "expected"),
    [(["a", None], ["a", ""]), ([1, None], [1, float("nan")]), ([None, None], [float("nan")] * 2)],
)
def test_arrays_of_what_is_not_known(values: list[Any], expected: list[Any], tmp_path: Path):
    made = samples()
    made = Samples(made.codec, made.items[:2], [{"label": value, "x": 1, "file": 2} for value in values])
    with np.load(made.save(tmp_path / "x.npz")) as arrays:
        np.testing.assert_array_equal(arrays["label"], np.array(expected))
        assert arrays["x"].shape == (2, 5, 7)
        assert arrays["given_x"].tolist() == [1, 1]


def test_table(tmp_path: Path):
    made = samples(LABELS)
    table = pyarrow.parquet.read_table(made.save(tmp_path / "x.parquet")).to_pydict()
    assert table["label"] == LABELS
    assert pixels(Image.open(io.BytesIO(table["image"][3]["bytes"]))) == pixels(made[3])
    assert list(tmp_path.iterdir()) == [tmp_path / "x.parquet"]


def test_folder(tmp_path: Path):
    made = samples()
    made.save(tmp_path / "out")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [f"{i:05d}.png" for i in range(12)]
    assert pixels(Image.open(tmp_path / "out" / "00003.png")) == pixels(made[3])


def test_folder_of_labels_stays_inside(tmp_path: Path):
    out = samples(LABELS).save(tmp_path / "out")
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert all(path.is_relative_to(out) for path in files)
    assert len(files) == 13
    with (out / "metadata.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["label"] for row in rows] == LABELS
    assert all((out / row["file_name"]).is_file() for row in rows)


def test_folder_can_be_trained_on(tmp_path: Path):
    labels = ["猫", "dog", "猫", "a.b"] * 3
    made = samples(labels)
    records = list(open_source(made.save(tmp_path / "out")))
    assert sorted(record.given["label"] for record in records) == sorted(labels)
    found = {(record.given["label"], str(pixels(Image.open(io.BytesIO(record.content))))) for record in records}
    assert found == {(label, str(pixels(image))) for label, image in zip(labels, made)}
    data = prepare(open_source(tmp_path / "out"), make_codec("image"), ["label"])
    assert len(data.train) + len(data.validation) + len(data.test) == 12


def test_table_can_be_trained_on(tmp_path: Path):
    labels = ["猫", "dog"] * 6
    records = list(open_source(samples(labels).save(tmp_path / "x.parquet")))
    assert [record.given["label"] for record in records] == labels


def test_arrays_can_be_trained_on(tmp_path: Path):
    assert len(open_source(samples().save(tmp_path / "x.npz"))) == 12


def test_unknown_ending(tmp_path: Path):
    with pytest.raises(AnewError, match=r"as '.jpg'; use .png, .npz, .parquet, or no ending"):
        samples().save(tmp_path / "x.jpg")


def test_folder_that_is_not_empty(tmp_path: Path):
    (tmp_path / "mine.txt").touch()
    with pytest.raises(AnewError, match="is not empty; choose another"):
        samples().save(tmp_path)
    assert len(list(tmp_path.iterdir())) == 1


def test_folder_that_is_a_file(tmp_path: Path):
    (tmp_path / "mine").touch()
    with pytest.raises(AnewError, match="cannot be written"):
        samples().save(tmp_path / "mine")
