"""Samples as pictures, arrays, tables and folders."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet
import pytest
from PIL import Image

from anew.codecs import make_codec
from anew.codecs.dataset import prepare
from anew.errors import AnewError
from anew.samples import Samples, check_target
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


# --- of a table


def rows(*given: str) -> Samples:
    """Of which `age` was given, if so; 猫 is text that looks like numbers, with missing cells."""
    frame = pd.DataFrame(
        {
            "name": ["Ada", "Zoë"] * 20,
            "age": np.arange(40) % 7,
            "猫": ["1.50", "NA", "2.25", "7.00"] * 10,
            "day": pd.to_datetime(["2024-03-20", "2024-03-21"] * 20),
        }
    )
    codec = make_codec("table")
    codec.give(given)
    codec.fit(iter([frame]))
    items = codec.decode(codec.encode([frame]))
    return Samples(codec, items, [{name: frame[name][i] for name in given} for i in range(40)] if given else ())


def test_rows_are_a_sequence():
    made = rows()
    assert len(made) == made.tried == 40
    assert made[1] == list(made)[1] == made[-39]
    assert made[1]["name"] == "Zoë"
    assert isinstance(made[2:4], Samples)
    assert [row["age"] for row in made[2:4]] == [2, 3]
    assert len(made[::2]) == 20
    with pytest.raises(IndexError):
        made[40]
    assert repr(made) == "Samples(40 of the kind table)"
    assert "Zoë" in (made._repr_html_() or "")
    assert Image.open(io.BytesIO(made._repr_png_())).format == "PNG"
    assert samples()._repr_html_() is None


def test_what_was_given_is_where_the_source_has_it(tmp_path: Path):
    made, whole = rows("age", "day"), rows()
    assert list(made.items) == ["name", "猫"]
    pd.testing.assert_frame_equal(made.frame, whole.frame)
    pd.testing.assert_frame_equal(made[3:5].frame, whole.frame[3:5].reset_index(drop=True))
    assert made[3] == whole[3]
    assert list(pd.read_csv(made.save(tmp_path / "x.csv"))) == ["name", "age", "猫", "day"]


@pytest.mark.parametrize("name", ["x.csv", "x.CSV.gz", "x.tsv", "x.tsv.gz"])
def test_rows_as_text_are_read_as_they_were(name: str, tmp_path: Path):
    made = rows("age")
    frame = next(iter(open_source(made.save(tmp_path / name)))).content
    assert frame["猫"].tolist() == ["1.50", "NA", "2.25", "7.00"] * 10
    assert frame["day"].tolist() == ["2024-03-20", "2024-03-21"] * 20
    pd.testing.assert_frame_equal(frame, made.frame.astype("str"))
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_rows_as_other_files(tmp_path: Path):
    made = rows("age")
    pd.testing.assert_frame_equal(pd.read_parquet(made.save(tmp_path / "x.parquet")), made.frame)
    assert pd.read_json(made.save(tmp_path / "x.jsonl"), lines=True)["age"].tolist() == made.frame["age"].tolist()
    assert Image.open(made.save(tmp_path / "x.png")).format == "PNG"
    with np.load(made.save(tmp_path / "x.npz")) as arrays:
        assert arrays["x"].dtype.names == ("name", "age", "猫", "day")
        assert arrays["x"]["age"].tolist() == made.frame["age"].tolist()


def test_rows_in_a_database(tmp_path: Path):
    location = f"sqlite:///{tmp_path}/x.db?table=made"
    saved = rows("age").save(location)
    assert len(open_source(saved)) == 40
    with pytest.raises(AnewError, match="is there already"):
        check_target(location, rows().codec)


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("x.jpg", "as '.jpg'; use .csv, .csv.gz, .tsv, .tsv.gz, .parquet, .jsonl, .png, .npz, or a database"),
        ("folder", "as '.*folder'; use .csv"),
        ("sqlite:///x.db", "names no table"),
        ("sqlite:///x.db?query=SELECT 1", "is a query"),
        ("nothing://x.db?table=x", "cannot be understood"),
    ],
)
def test_where_rows_cannot_be_saved(target: str, words: str, tmp_path: Path):
    with pytest.raises(AnewError, match=words):
        check_target(target if "://" in target else tmp_path / target, rows().codec)
    assert list(tmp_path.iterdir()) == []


def test_pictures_are_no_table(tmp_path: Path):
    with pytest.raises(AnewError, match="of the kind image are no table"):
        _ = samples().frame
    for target in (tmp_path / "x.csv", "sqlite:///x.db?table=x"):
        with pytest.raises(AnewError, match="cannot save samples as"):
            check_target(target, samples().codec)
