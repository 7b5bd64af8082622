"""From a source to tensors in three splits, kept in a cache: the second time takes no time."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from anew.codecs import save_codec
from anew.codecs.cache import new_folder, read_array, write_rows
from anew.codecs.codec import BadRecord, Codec
from anew.codecs.labels import LabelCodec, LabelOptions
from anew.codecs.reading import Progress, chunks, follow, load_each
from anew.codecs.text.prompts import PromptCodec, PromptOptions, are_prompts
from anew.errors import AnewError
from anew.sources.source import Record, Source
from anew.spaces import Batch, Space
from anew.writing import cache_folder

__all__ = ["Dataset", "Progress", "Split", "assign_splits", "fingerprint", "load_all", "prepare"]

GivenCodec = LabelCodec | PromptCodec

_CACHE_VERSION = 3  # of what the files hold; raise it when that changes
_HELD_OUT = 0.1  # share of the examples for validation, and as many for the test
_FEW = 30  # distinct records; chance would leave a split of fewer too small
_NAMED = 100  # bad records that are named


@dataclass(frozen=True)
class Split:
    """Examples as they are stored: `x` (n, *space.shape) packed, `given` (n, F) or None."""

    x: Tensor
    given: Tensor | None
    space: Space

    def __len__(self) -> int:
        return len(self.x)

    def batch(self, indices: Tensor) -> Batch:
        """The examples at `indices` (B,), as a model takes them."""
        given = None if self.given is None else self.given.index_select(0, indices)
        return Batch(self.space.unpack(self.x.index_select(0, indices)), given)


@dataclass(frozen=True)
class Dataset:
    """The splits, the fitted codecs, and what had to be left out."""

    codec: Codec
    given_codec: GivenCodec | None
    train: Split
    validation: Split
    test: Split
    skipped: list[tuple[str, str]]  # (name, reason) of the first 100 bad records
    skipped_count: int
    fingerprint: str

    @property
    def space(self) -> Space:
        return self.codec.space

    @property
    def labels(self) -> LabelCodec | None:
        """The codec of what is given, if that is categories and numbers."""
        return self.given_codec if isinstance(self.given_codec, LabelCodec) else None

    @property
    def given_space(self) -> Space | None:
        return self.given_codec.space if self.given_codec else None


@dataclass
class _Survey:
    """What the first pass over the records found, in the order of the source."""

    splits: np.ndarray  # uint8, of each example: 0 train, 1 validation, 2 test
    counts: list[int]  # examples in each record; 0 for a bad one
    skipped: list[tuple[str, str]]

    @property
    def sizes(self) -> list[int]:
        return np.bincount(self.splits, minlength=3).tolist()

    @property
    def rows(self) -> np.ndarray:
        """Where each example goes: train first, then validation, then test."""
        rows = np.empty(len(self.splits), np.int64)
        rows[np.argsort(self.splits, kind="stable")] = np.arange(len(rows))
        return rows

    def masks(self, wanted: tuple[int, ...]) -> Iterator[np.ndarray]:
        """For each record, which of its examples are in the wanted splits: bool (count,)."""
        chosen = np.isin(self.splits, wanted)
        start = 0
        for count in self.counts:
            yield chosen[start : start + count]
            start += count


def prepare(source: Source, codec: Codec, given: Sequence[str] = (), on_progress: Progress | None = None) -> Dataset:
    """All examples of the source, split by their content (`assign_splits`) and encoded.

    Duplicates never straddle splits; `codec` and the codec of the `given` columns are fitted on the training split
    only. The result is kept under $ANEW_CACHE. Raises AnewError if fewer than 3 examples can be used, and if the
    data change meanwhile.
    """
    key = fingerprint(source, codec, given)
    folder = cache_folder() / key
    codec.give(given)
    if (dataset := _open(folder, codec, key)) is None:
        shutil.rmtree(folder, ignore_errors=True)  # a damaged one
        _build(folder, source, codec, tuple(given), on_progress or _ignore)
        dataset = _open(folder, codec, key)
    if dataset is None:
        raise AnewError(f"what was just written to '{folder}' cannot be read; set ANEW_CACHE to another folder")
    return dataset


def fingerprint(source: Source, codec: Codec, given: Sequence[str]) -> str:
    """Of a data set: changes with the source, the key of the codec, and what is given."""
    parts = [_CACHE_VERSION, source.fingerprint(), codec.name, codec.key(), list(given)]
    return blake2b(json.dumps(parts, default=str).encode(), digest_size=16).hexdigest()


def _open(folder: Path, codec: Codec, key: str) -> Dataset | None:
    """The data set in `folder`; None if there is none or it is damaged."""
    try:
        index = json.loads((folder / "index.json").read_text(encoding="utf-8"))
        fitted = codec.restored(index["codec"])
        given_codec = read_given(index["given"]) if index["given"] else None
        x, given = (read_array(folder / name, sum(index["counts"])) for name in ("x.npy", "given.npy"))
        spans = zip(*(tensor.split(index["counts"]) for tensor in (x, given)), strict=True)
        train, validation, test = (Split(a, b if given_codec else None, fitted.space) for a, b in spans)
        if x.shape[1:] != fitted.space.shape:
            return None
        skipped = [(name, reason) for name, reason in index["skipped"]]
        count = int(index["skipped_count"])
        return Dataset(fitted, given_codec, train, validation, test, skipped, count, key)
    except (AnewError, OSError, ValueError, KeyError, TypeError, AttributeError, EOFError, RuntimeError):
        return None


def _build(folder: Path, source: Source, codec: Codec, given: tuple[str, ...], on_progress: Progress) -> None:
    before = source.fingerprint()
    survey = _survey(source, codec, given, on_progress)
    codec.fit(loaded for _, loaded in _load(source, codec, survey, (0,), on_progress))
    with new_folder(folder) as new:
        told: list[dict[str, Any]] = []
        everything = _load(source, codec, survey, (0, 1, 2), on_progress)
        write_rows(new / "x.npy", survey.rows, _encode(codec, everything, given, told))
        given_codec, given_rows = _encode_given(told, survey, given)
        write_rows(new / "given.npy", survey.rows, [given_rows])
        index = {
            "counts": survey.sizes,
            "codec": codec.to_json(),
            "given": save_codec(given_codec) if given_codec else None,
            "skipped": survey.skipped[:_NAMED],
            "skipped_count": len(survey.skipped),
        }
        (new / "index.json").write_text(json.dumps(index), encoding="utf-8")
        if source.fingerprint() != before:
            raise _changed(source.location)


def _survey(source: Source, codec: Codec, given: tuple[str, ...], on_progress: Progress) -> _Survey:
    """Reads every record once; raises AnewError if there are too few good ones."""
    heads, counts, skipped = bytearray(), [], []
    known: dict[str, None] = {}
    for record, loaded in load_each(codec, follow(source, "reading", on_progress)):
        digests = []
        if isinstance(loaded, BadRecord):
            skipped.append((record.name, str(loaded)))
        else:
            digests = codec.digests(loaded)
            known |= dict.fromkeys((*record.given, *codec.counted))
        counts.append(len(digests))
        heads += b"".join(digest[:8] for digest in digests)
    numbers = np.frombuffer(heads, ">u8").astype(np.uint64)
    if (distinct := len(_distinct(numbers))) < 3:
        raise _too_few(source, codec, distinct, skipped)
    if not codec.tells and (absent := [name for name in given if name not in known]):
        raise AnewError(f"nothing is known of '{absent[0]}'; what is known beside the data: {_list(known)}")
    return _Survey(assign_splits(numbers, codec.held_out or len(numbers)), counts, skipped)


def assign_splits(digests: np.ndarray, most: int) -> np.ndarray:
    """uint8 (n,): 0 train, 1 validation, 2 test, by digest (uint64), so that copies stay together.

    A tenth of them for each of the others, or about `most`. A record keeps its split when others come or go, but for
    that. Only where chance would leave a split of few records empty, the order of the digests decides.
    """
    distinct = _distinct(digests)
    share = min(_HELD_OUT, most / max(1, len(distinct)))
    splits = np.digitize(digests / 2.0**64, (1 - 2 * share, 1 - share))
    if len(distinct) < _FEW or len(np.unique(splits)) < 3:
        held_out = max(1, round(len(distinct) * _HELD_OUT))
        bounds = [len(distinct) - 2 * held_out, len(distinct) - held_out]
        splits = np.digitize(np.searchsorted(distinct, digests), bounds)
    return splits.astype(np.uint8)


def _distinct(numbers: np.ndarray) -> np.ndarray:
    """In order. With counts, NumPy sorts; without, it fills a table of hashes, a hundred times as slowly."""
    return np.unique(numbers, return_counts=True)[0]


def _load(
    source: Source, codec: Codec, survey: _Survey, wanted: tuple[int, ...], on_progress: Progress
) -> Iterator[tuple[Record, Any]]:
    """Each record that has examples in the wanted splits, loaded, with those alone."""
    doing = "measuring" if len(wanted) == 1 else "encoding"
    records = zip(follow(source, doing, on_progress), survey.masks(wanted))
    chosen = load_each(codec, (record for record, mask in records if mask.any()))
    for (record, loaded), mask in zip(chosen, (mask for mask in survey.masks(wanted) if mask.any())):
        if isinstance(loaded, BadRecord) or codec.count(loaded) != len(mask):
            raise _changed(record.name)
        yield record, loaded if mask.all() else codec.pick(loaded, mask)


def _encode(
    codec: Codec, pairs: Iterator[tuple[Record, Any]], given: tuple[str, ...], told: list[dict[str, Any]]
) -> Iterator[Tensor]:
    """The examples as they are stored, several records at a time; what is given with them is added to `told`."""
    for chunk in chunks(pairs, codec):
        if given:
            told.extend(row for record, loaded in chunk for row in codec.told(loaded, record.given, given))
        yield codec.space.pack(codec.encode([loaded for _, loaded in chunk]))


def _encode_given(
    told: list[dict[str, Any]], survey: _Survey, columns: tuple[str, ...]
) -> tuple[GivenCodec | None, Tensor]:
    """A category that only validation or test examples have was never learned: it is not known (NaN)."""
    if not columns:
        return None, torch.zeros(len(survey.splits), 0)
    prompts = are_prompts(told, columns)
    codec: GivenCodec = PromptCodec(PromptOptions(columns)) if prompts else LabelCodec(LabelOptions(columns))
    codec.fit(row for row, split in zip(told, survey.splits) if split == 0)
    return codec, codec.encode_known(told)


def read_given(state: Mapping[str, Any]) -> GivenCodec:
    """Inverse of `save_codec` for the codec of what is given."""
    kind = PromptCodec if state["codec"] == PromptCodec.name else LabelCodec  # which had other names
    return kind.from_json({key: value for key, value in state.items() if key != "codec"})


def load_all(codec: Codec, source: Source, on_progress: Progress | None = None) -> Iterator[tuple[Record, Any]]:
    """Each record that can be read, with what it was loaded as."""
    for record, loaded in load_each(codec, follow(source, "reading", on_progress or _ignore)):
        if not isinstance(loaded, BadRecord):
            yield record, loaded


def _too_few(source: Source, codec: Codec, distinct: int, skipped: list[tuple[str, str]]) -> AnewError:
    bad = "; ".join(f"'{name}' {reason}" for name, reason in skipped[:3])
    found = f"found {distinct} distinct usable {codec.name} records in '{source.name}'; at least 3 are needed"
    return AnewError(f"{found} ({len(skipped)} cannot be read: {bad})" if bad else found)


def _changed(what: str) -> AnewError:
    return AnewError(f"'{what}' changed while it was being read; run it again")


def _list(names: Iterable[str]) -> str:
    return ", ".join(names) or "nothing"


def _ignore(*_progress: object) -> None:
    pass
