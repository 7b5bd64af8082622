"""From a source to splits: who goes where, what is skipped, and what the cache promises."""

from __future__ import annotations

import errno
import io
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from anew import writing
from anew.codecs import cache, make_codec
from anew.codecs.dataset import Dataset, assign_splits, prepare
from anew.codecs.fitted import Fitted
from anew.errors import AnewError
from anew.sources import Record, Source, open_source
from anew.sources.source import Unreadable
from anew.spaces import Field, Fields


class Listed(Source):
    """Records from a list, counting how often they are read."""

    name = location = "listed"

    @classmethod
    def accepts(cls, location: str) -> bool:
        return bool(location)

    def __init__(self, records: list[Record]) -> None:
        self.records, self.reads_done = records, 0

    def __iter__(self) -> Iterator[Record]:
        self.reads_done += 1
        yield from self.records

    def __len__(self) -> int:
        return sum(record.examples for record in self.records)

    def fingerprint(self) -> str:
        return "listed"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ANEW_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def image(number: int) -> np.ndarray:
    return np.random.default_rng(number).integers(0, 256, (6, 5), dtype=np.uint8)


def records(n: int, **given: Any) -> list[Record]:
    return [Record(image(i), {"label": i % 3, **given}, f"r{i}") for i in range(n)]


def prepared(source: Source, *given: str) -> Dataset:
    return prepare(source, make_codec("image"), given)


def splits(data: Dataset) -> tuple[Any, ...]:
    return data.train, data.validation, data.test


def everything(data: Dataset) -> list[torch.Tensor]:
    parts = [split.batch(torch.arange(len(split))) for split in splits(data)]
    return [tensor for part in parts for tensor in part if tensor is not None]


def test_prepare():
    source = Listed(records(200))
    data = prepared(source, "label")
    assert sum(map(len, splits(data))) == 200
    assert 140 < len(data.train) < 180
    assert data.given_space == Fields((Field("label", 3),))
    batch = data.train.batch(torch.tensor([3, 0]))
    assert data.space.contains(batch.x)
    assert batch.given is not None
    assert batch.given.shape == (2, 1)
    originals = {image(i).tobytes(): i % 3 for i in range(200)}
    for split in splits(data):
        whole = split.batch(torch.arange(len(split)))
        for sample, given in zip(data.codec.decode(whole.x), whole.given):
            assert originals.pop(sample.tobytes()) == given.item()
    assert not originals


def test_order_inside_a_split_is_that_of_the_source():
    data = prepared(Listed(records(100)))
    order = {image(i).tobytes(): i for i in range(100)}
    for split in splits(data):
        found = [order[s.tobytes()] for s in data.codec.decode(split.batch(torch.arange(len(split))).x)]
        assert found == sorted(found)


def test_nothing_given():
    data = prepared(Listed(records(20)))
    assert data.given_codec is data.given_space is data.train.given is None
    assert data.train.batch(torch.tensor([0])).given is None


def test_copies_in_other_formats_stay_together(tmp_path: Path):
    root = tmp_path / "images"
    root.mkdir()
    for i in range(40):
        for kind in ("png", "bmp"):
            Image.fromarray(image(i)).save(root / f"{i}.{kind}")
    data = prepared(open_source(root))
    seen = [{s.tobytes() for s in data.codec.decode(t.batch(torch.arange(len(t))).x)} for t in splits(data)]
    assert sum(map(len, seen)) == len(set.union(*seen)) == 40
    assert all(len(split) == 2 * len(distinct) for split, distinct in zip(splits(data), seen))


@pytest.mark.parametrize("n", [3, 4, 10, 29, 30, 50])
def test_no_split_is_empty(n: int):
    data = prepared(Listed(records(n)))
    assert min(map(len, splits(data))) >= 1
    assert len(data.train) >= n // 3


def test_splits_do_not_depend_on_the_rest():
    digests = np.random.default_rng(0).integers(0, 2**64, 1000, dtype=np.uint64)
    assert np.array_equal(assign_splits(digests, 1000)[:500], assign_splits(digests[:500], 500))
    assert np.bincount(assign_splits(digests, 1000)) / 1000 == pytest.approx([0.8, 0.1, 0.1], abs=0.04)
    assert np.bincount(assign_splits(digests, 50)) / 1000 == pytest.approx([0.9, 0.05, 0.05], abs=0.03)
    few = assign_splits(np.repeat(np.array([5, 6, 7], np.uint64), 4), 12)
    assert few.tolist() == [0] * 4 + [1] * 4 + [2] * 4


def test_bad_records_are_skipped_and_named():
    bad = [Record(b"junk", {"label": 9}, f"bad{i}") for i in range(150)]
    data = prepared(Listed(bad + records(30)), "label")
    assert data.skipped_count == 150
    assert len(data.skipped) == 100
    assert data.skipped[0] == ("bad0", "is not an image, or of a kind that is not read")
    assert data.given_space == Fields((Field("label", 3),))


def test_too_few():
    with pytest.raises(AnewError, match=r"found 2 distinct usable image records.*at least 3"):
        prepared(Listed(records(2) * 10))
    with pytest.raises(AnewError, match=r"found 0.*'broken.png' is not an image"):
        prepared(Listed([Record(b"junk", {}, "broken.png")] * 5))


def test_category_that_training_never_saw_is_not_known():
    data = prepared(Listed(records(60)))
    rare = data.codec.decode(data.test.batch(torch.tensor([0])).x)[0].tobytes()
    marked = [Record(r.content, {"kind": "rare" if r.content.tobytes() == rare else "usual"}) for r in records(60)]
    data = prepared(Listed(marked), "kind")
    assert data.given_space == Fields((Field("kind", 1),))
    assert data.test.given is not None
    assert data.test.given[:, 0].isnan().tolist() == [True] + [False] * (len(data.test) - 1)


def test_column_that_is_not_there():
    with pytest.raises(AnewError, match=r"'colour'.*label, size"):
        prepared(Listed(records(20, size=2)), "colour")


def test_progress_is_told():
    told: list[tuple[str, int, int]] = []
    prepare(Listed(records(250)), make_codec("image"), (), lambda *progress: told.append(progress))
    for doing in ("reading", "measuring", "encoding"):
        assert [done for name, done, total in told if name == doing and total == 250] == [100, 200, 250]


# --- the cache


def test_second_time_reads_nothing_and_gives_the_same():
    source = Listed([*records(50), Record(b"", {}, "bad")])
    fresh = prepared(source, "label")
    assert source.reads_done == 3
    hit = prepared(source, "label")
    assert source.reads_done == 3
    assert all(torch.equal(a, b) for a, b in zip(everything(fresh), everything(hit), strict=True))
    assert hit.codec.describe() == fresh.codec.describe()
    assert (hit.skipped, hit.skipped_count, hit.fingerprint) == (fresh.skipped, 1, fresh.fingerprint)


def test_other_options_or_columns_are_other_entries(folder: Path):
    source = Listed(records(20))
    prepared(source)
    prepared(source, "label")
    prepare(source, make_codec("image", {"size": "8"}))
    assert len(list(folder.iterdir())) == 3


@pytest.mark.parametrize("file", ["x.npy", "given.npy", "index.json"])
@pytest.mark.parametrize("how", ["missing", "cut", "empty", "other"])
def test_damaged_entries_are_made_again(folder: Path, file: str, how: str):
    source = Listed(records(30))
    fresh = everything(prepared(source, "label"))
    path = next(folder.iterdir()) / file
    data = path.read_bytes()
    path.unlink()
    if how != "missing":
        path.write_bytes({"cut": data[:-3], "empty": b"", "other": b"[1, 2]"}[how])
    again = everything(prepared(source, "label"))
    assert source.reads_done == 6
    assert all(torch.equal(a, b) for a, b in zip(fresh, again, strict=True))
    prepared(source, "label")
    assert source.reads_done == 6


def test_index_of_another_shape(folder: Path):
    source = Listed(records(30))
    prepared(source)
    path = next(folder.iterdir()) / "index.json"
    index = json.loads(path.read_text())
    for damage in ({"size": [9, 9]}, {"options": {"size": -1, "channels": None}}, {"size": None}):
        path.write_text(json.dumps(index | {"codec": index["codec"] | damage}))
        assert prepared(source).space.shape == (1, 6, 5)


def test_mapped_from_disk_is_the_same(monkeypatch: pytest.MonkeyPatch):
    source = Listed(records(40))
    inside = everything(prepared(source, "label"))
    monkeypatch.setattr(cache, "_free_memory", lambda: 0)
    mapped = everything(prepared(source, "label"))
    assert all(torch.equal(a, b) for a, b in zip(inside, mapped, strict=True))


def test_full_disk_leaves_nothing_behind(folder: Path, monkeypatch: pytest.MonkeyPatch):
    class Full(io.BytesIO):
        def write(self, _: Any) -> int:
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(cache, "_create", lambda _: Full())
    with pytest.raises(AnewError, match=r"No space left.*ANEW_CACHE"):
        prepared(Listed(records(20)))
    assert list(folder.iterdir()) == []


def test_failure_on_the_way_leaves_nothing_behind(folder: Path, monkeypatch: pytest.MonkeyPatch):
    codec = make_codec("image")
    monkeypatch.setattr(codec, "encode", lambda _: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        prepare(Listed(records(20)), codec)
    assert list(folder.iterdir()) == []


def test_cache_that_cannot_be_written(folder: Path):
    folder.write_text("a file where the folder should be")
    with pytest.raises(AnewError, match="ANEW_CACHE"):
        prepared(Listed(records(20)))


def test_the_faster_of_two_wins(folder: Path):
    source = Listed(records(20))
    with cache.new_folder(folder / "entry") as slow:
        (slow / "who").write_text("slow")
        with cache.new_folder(folder / "entry") as fast:
            (fast / "who").write_text("fast")
    assert (folder / "entry/who").read_text() == "fast"
    assert [path.name for path in folder.iterdir()] == ["entry"]
    assert len(prepared(source).train)


def test_what_killed_processes_left_is_swept_up(folder: Path):
    for name, time in ((".entry.old", 1), (".entry.new", None), (".other.old", 1)):
        (folder / name).mkdir(parents=True)
        os.utime(folder / name, None if time is None else (time, time))
    with cache.new_folder(folder / "entry"):
        pass
    assert {path.name for path in folder.iterdir()} == {"entry", ".entry.new", ".other.old"}


def test_where_the_cache_is(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("ANEW_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", "/xdg")
    assert writing.cache_folder() == Path("/xdg/anew")
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert writing.cache_folder() == Path.home() / ".cache/anew"


def test_source_that_changes_while_it_is_read():
    class Shrinking(Listed):
        def __iter__(self) -> Iterator[Record]:
            self.reads_done += 1
            yield from self.records if self.reads_done < 3 else self.records[:-1]

    with pytest.raises(AnewError, match="found 19 records where there were 20"):
        prepared(Shrinking(records(20)))


def test_data_that_change_while_they_are_read(folder: Path):
    class Changing(Listed):
        def fingerprint(self) -> str:
            return f"changing {self.reads_done == 3}"

    with pytest.raises(AnewError, match="'listed' changed while it was being read; run it again"):
        prepared(Changing(records(20)))
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("sizes", [[1] * 40, [7, 9, 24], [40]])
def test_rows_are_written_where_they_belong(sizes: list[int], tmp_path: Path):
    rows = torch.arange(80, dtype=torch.float32).view(40, 2)
    positions = np.random.default_rng(0).permutation(40)
    cache.write_rows(tmp_path / "x.npy", positions, rows.split(sizes))
    assert np.array_equal(np.load(tmp_path / "x.npy")[positions], rows.numpy())


# --- blocks


def frame(n: int = 300) -> pd.DataFrame:
    """Rows that differ in `number`."""
    rng = np.random.default_rng(0)
    columns = {"number": rng.permutation(n) / 4, "kind": rng.choice(list("abc"), n), "size": rng.integers(0, 40, n)}
    return pd.DataFrame(columns)


def blocks(rows: pd.DataFrame, size: int) -> Listed:
    parts = [rows.iloc[start : start + size] for start in range(0, len(rows), size)]
    return Listed([Record(part, {}, f"block {i}", len(part)) for i, part in enumerate(parts)])


def tabled(source: Source, *given: str) -> Dataset:
    return prepare(source, make_codec("table"), given)


def in_splits(data: Dataset) -> list[pd.DataFrame]:
    return [data.codec.decode(split.batch(torch.arange(len(split))).x) for split in splits(data)]


def test_rows_of_blocks_are_split_one_by_one():
    rows = frame()
    data = tabled(blocks(rows, 64))
    found = in_splits(data)
    assert [len(part) for part in found] == [len(split) for split in splits(data)]
    assert 200 < len(found[0]) < 280
    order = {number: place for place, number in enumerate(rows["number"])}
    for part in found:
        places = [order[number] for number in part["number"]]
        assert places == sorted(places)
        pd.testing.assert_frame_equal(part, rows.iloc[places].reset_index(drop=True), check_dtype=False)
    assert sum(map(len, found)) == len(pd.concat(found)["number"].unique()) == len(rows)


def test_the_size_of_blocks_changes_nothing(folder: Path):
    whole = everything(tabled(blocks(frame(), 300), "kind"))
    for path in folder.iterdir():
        (path / "index.json").unlink()
    parts = everything(tabled(blocks(frame(), 17), "kind"))
    assert all(torch.equal(a, b) for a, b in zip(whole, parts, strict=True))


def test_copies_of_a_row_in_other_blocks_stay_together():
    rows = pd.concat([frame(), frame()], ignore_index=True)
    seen = [set(part["number"]) for part in in_splits(tabled(blocks(rows, 70)))]
    assert sum(map(len, seen)) == len(set.union(*seen)) == 300


def test_columns_that_are_given_are_left_out_and_told():
    rows = frame()
    data = tabled(blocks(rows, 64), "kind", "size")
    kinds = dict(zip(rows["number"], rows["kind"]))
    assert data.given_space is not None
    assert data.given_space.fields[0] == Field("kind", 3)
    for split in splits(data):
        batch = split.batch(torch.arange(len(split)))
        numbers = data.codec.decode(batch.x)["number"]
        told = data.given_codec.decode(batch.given)
        assert [row["kind"] for row in told] == [kinds[number] for number in numbers]
    assert data.codec.decode(batch.x).columns.tolist() == ["number"]


def test_a_column_that_no_block_has():
    with pytest.raises(AnewError, match="unknown column 'colour'"):
        tabled(blocks(frame(), 64), "colour")


def test_rows_that_cannot_be_read_are_named():
    source = blocks(frame(), 100)
    source.records[1:1] = [Record(Unreadable("has 5 cells"), {}, f"row {i}") for i in range(3)]
    data = tabled(source)
    assert (data.skipped_count, data.skipped[0]) == (3, ("row 0", "has 5 cells"))
    assert sum(map(len, splits(data))) == 300


def test_progress_is_told_in_rows():
    told: list[tuple[str, int, int]] = []
    prepare(blocks(frame(), 120), make_codec("table"), (), lambda *progress: told.append(progress))
    for doing in ("reading", "measuring", "encoding"):
        assert [done for name, done, total in told if name == doing and total == 300] == [120, 240, 300]


def test_a_block_of_another_length_when_it_is_read_again():
    class Growing(Listed):
        def __iter__(self) -> Iterator[Record]:
            self.reads_done += 1
            for record in self.records:
                yield Record(record.content.iloc[: len(record.content) - (self.reads_done > 1)], {}, record.name)

    with pytest.raises(AnewError, match="'block 0' changed while it was being read; run it again"):
        tabled(Growing(blocks(frame(), 100).records))


def test_blocks_through_a_codec_that_is_fitted_already():
    rows, codec = frame(), make_codec("table")
    first = prepare(blocks(rows, 64), codec)
    again = prepare(blocks(rows, 100), Fitted(first.codec), ["kind"])
    assert again.given_space == Fields((Field("kind", 3),))
    for one, other in zip(splits(first), splits(again)):
        assert torch.equal(one.x, other.x)


def test_too_few_rows():
    with pytest.raises(AnewError, match="found 2 distinct usable table records"):
        tabled(blocks(pd.DataFrame({"a": [1, 2, 2, 1]}), 2))
