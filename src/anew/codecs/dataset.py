"""From a source to tensors in three splits, kept in a cache: the second time takes no time."""

from __future__ import annotations

import json
import os
import shutil
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from hashlib import blake2b
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor

from anew.codecs.cache import cache_folder, new_folder, read_array, write_rows
from anew.codecs.codec import BadRecord, Codec
from anew.codecs.labels import LabelCodec, LabelOptions
from anew.errors import AnewError
from anew.sources.source import Record, Source
from anew.spaces import Batch, Space

Progress = Callable[[str, int, int], None]  # what is being done, how many are done, of how many
T = TypeVar("T")

_CACHE_VERSION = 2  # of what the files hold; raise it when that changes
_SPLITS = (0.8, 0.9)  # train below the first, validation below the second, test above
_FEW = 30  # distinct records; chance would leave a split of fewer too small
_CHUNK = 8  # records held at a time: eight photos fill half a gigabyte
_NAMED = 100  # bad records that are named
_REPORTED = 100  # records from one report of progress to the next
_BAD = 255


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
    given_codec: LabelCodec | None
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
    def given_space(self) -> Space | None:
        return self.given_codec.space if self.given_codec else None


@dataclass
class _Survey:
    """What the first pass over the records found, one entry per record in the order of the source."""

    splits: np.ndarray  # uint8: 0 train, 1 validation, 2 test, 255 bad
    given: list[dict[str, Any]]  # of the good ones
    skipped: list[tuple[str, str]]

    @property
    def good(self) -> np.ndarray:
        return self.splits[self.splits != _BAD]

    @property
    def counts(self) -> list[int]:
        return np.bincount(self.good, minlength=3).tolist()

    @property
    def rows(self) -> np.ndarray:
        """Where each good record goes: train first, then validation, then test."""
        rows = np.empty(len(self.good), np.int64)
        rows[np.argsort(self.good, kind="stable")] = np.arange(len(rows))
        return rows


def prepare(source: Source, codec: Codec, given: Sequence[str] = (), on_progress: Progress | None = None) -> Dataset:
    """All records of the source, split by their content (80, 10 and 10 %) and encoded.

    Duplicates never straddle splits; `codec` and the codec of the `given` columns are fitted on the training
    split only. The result is kept under $ANEW_CACHE. Raises AnewError if fewer than 3 records can be used.
    """
    key = fingerprint(source, codec, given)
    folder = cache_folder() / key
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
        given_codec = LabelCodec.from_json(index["given"]) if index["given"] else None
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
    survey = _survey(source, codec, given, on_progress)
    codec.fit(_load(source, codec, survey, (0,), on_progress))
    given_codec, given_rows = _encode_given(survey, given)
    with new_folder(folder) as new:
        loaded = _chunks(_load(source, codec, survey, (0, 1, 2), on_progress))
        write_rows(new / "x.npy", survey.rows, (codec.space.pack(codec.encode(chunk)) for chunk in loaded))
        write_rows(new / "given.npy", survey.rows, [given_rows])
        index = {
            "counts": survey.counts,
            "codec": codec.to_json(),
            "given": given_codec.to_json() if given_codec else None,
            "skipped": survey.skipped[:_NAMED],
            "skipped_count": len(survey.skipped),
        }
        (new / "index.json").write_text(json.dumps(index), encoding="utf-8")


def _survey(source: Source, codec: Codec, given: tuple[str, ...], on_progress: Progress) -> _Survey:
    """Reads every record once; raises AnewError if there are too few good ones."""
    digests: list[bytes | None] = []
    rows: list[dict[str, Any]] = []
    skipped: list[tuple[str, str]] = []
    for record, loaded in _decode(codec, _follow(source, "reading", on_progress)):
        if isinstance(loaded, BadRecord):
            digests.append(None)
            skipped.append((record.name, str(loaded)))
        else:
            digests.append(codec.digest(loaded))
            rows.append({key: value if key in given else None for key, value in record.given.items()})
    heads = np.array([int.from_bytes(d[:8], "big") for d in digests if d is not None], np.uint64)
    distinct = len(np.unique(heads))
    if distinct < 3:
        raise _too_few(source, codec, distinct, skipped)
    splits = np.full(len(digests), _BAD, np.uint8)
    splits[[digest is not None for digest in digests]] = assign_splits(heads)
    return _Survey(splits, rows, skipped)


def assign_splits(digests: np.ndarray) -> np.ndarray:
    """uint8 (n,): 0 train, 1 validation, 2 test, by digest (uint64), so that copies stay together.

    A record keeps its split when others come or go. Only where chance would leave a split of few records
    empty, the order of the digests decides.
    """
    distinct = np.unique(digests)
    splits = np.digitize(digests / 2.0**64, _SPLITS)
    if len(distinct) < _FEW or len(np.unique(splits)) < 3:
        held_out = max(1, round(len(distinct) * (1 - _SPLITS[1])))
        bounds = [len(distinct) - 2 * held_out, len(distinct) - held_out]
        splits = np.digitize(np.searchsorted(distinct, digests), bounds)
    return splits.astype(np.uint8)


def _encode_given(survey: _Survey, columns: tuple[str, ...]) -> tuple[LabelCodec | None, Tensor]:
    """A category that only validation or test records have was never learned: it is not known (NaN)."""
    if not columns:
        return None, torch.zeros(len(survey.given), 0)
    codec = LabelCodec(LabelOptions(columns))
    codec.fit(row for row, split in zip(survey.given, survey.good) if split == 0)
    return codec, codec.encode([codec.known(row) for row in survey.given])


def _load(
    source: Source, codec: Codec, survey: _Survey, wanted: tuple[int, ...], on_progress: Progress
) -> Iterator[Any]:
    doing = "measuring" if len(wanted) == 1 else "encoding"
    chosen = (record for record, split in zip(_follow(source, doing, on_progress), survey.splits) if split in wanted)
    for record, loaded in _decode(codec, chosen):
        if isinstance(loaded, BadRecord):
            raise AnewError(f"'{record.name}' changed while it was being read; run it again")
        yield loaded


def _decode(codec: Codec, records: Iterable[Record]) -> Iterator[tuple[Record, Any]]:
    """Each record with what it was loaded as, or with the BadRecord why not; in order, several at a time."""
    waiting: deque[Future[list[Any]]] = deque()
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for chunk in _chunks(iter(records)):
            waiting.append(pool.submit(lambda some: [(record, _try(codec, record)) for record in some], chunk))
            if len(waiting) > (os.cpu_count() or 1):
                yield from waiting.popleft().result()
        for future in waiting:
            yield from future.result()


def _try(codec: Codec, record: Record) -> Any:
    try:
        return codec.load(record.content)
    except BadRecord as error:
        return error


def _follow(source: Source, doing: str, on_progress: Progress) -> Iterator[Record]:
    """The records, reporting progress."""
    total, done = len(source), 0
    try:
        for done, record in enumerate(source, 1):
            yield record
            if done % _REPORTED == 0:
                on_progress(doing, done, total)
    except OSError as error:
        message = f"'{source.location}' can no longer be read: {error.strerror or error}; run it again"
        raise AnewError(message) from error
    on_progress(doing, done, total)


def load_all(codec: Codec, source: Source, on_progress: Progress | None = None) -> Iterator[tuple[Record, Any]]:
    """Each record that can be read, with what it was loaded as."""
    for record, loaded in _decode(codec, _follow(source, "reading", on_progress or _ignore)):
        if not isinstance(loaded, BadRecord):
            yield record, loaded


def _chunks(items: Iterator[T]) -> Iterator[list[T]]:
    while chunk := list(islice(items, _CHUNK)):
        yield chunk


def _too_few(source: Source, codec: Codec, distinct: int, skipped: list[tuple[str, str]]) -> AnewError:
    bad = "; ".join(f"'{name}' {reason}" for name, reason in skipped[:3])
    found = f"found {distinct} distinct usable {codec.name} records in '{source.name}'; at least 3 are needed"
    return AnewError(f"{found} ({len(skipped)} cannot be read: {bad})" if bad else found)


def _ignore(*_progress: object) -> None:
    pass
