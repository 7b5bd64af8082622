"""A card for samples from anywhere: files of them, beside files of real data."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from os import PathLike
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from anew.codecs import make_codec
from anew.codecs.dataset import Dataset, Progress, Split, load_all, prepare
from anew.errors import AnewError
from anew.evaluation import card
from anew.evaluation.build import describe, publish
from anew.evaluation.gather import effort, gather, told
from anew.evaluation.report import Report
from anew.rng import generator
from anew.sources import open_source
from anew.writing import check_writable


class Files(NamedTuple):
    """What was read, in the codec's own type and in random order, and what is given with each."""

    loaded: list[Any]
    given: list[dict[str, Any]]


def judge(
    generated: str | PathLike[str],
    real: str | PathLike[str],
    out: str | PathLike[str] = "report",
    held_out: str | PathLike[str] | None = None,
    given: Sequence[str] = (),
    quick: bool = False,
    n: int | None = None,
    on_progress: Progress | None = None,
) -> Report:
    """Writes report.html and report.json into `out`, and returns what is in them.

    `real` is what the samples were learned from. Without `held_out`, real data that they were not learned from, a tenth
    of `real` stands in for it twice, and a generator that has seen all of it may copy unseen.
    """
    looked_at, folder = effort(quick, n), Path(out).expanduser()
    check_writable(folder)
    source = open_source(str(real))
    data = prepare(source, make_codec(source.codec, {}), given, on_progress)
    if held_out:
        data = _with_held_out(data, str(held_out), given, on_progress)
    files = _read(str(generated), data, given, on_progress)
    truth = gather(data, looked_at, on_progress)
    samples = data.codec.decode(_encode(data, files.loaded))
    examples = truth.examples(samples, files.given)
    rows = card.measure(examples, truth.real, on_progress=on_progress)
    report = describe(Path(generated).name, truth, examples, rows)
    facts = {"samples": generated, "real data": real, "held out": held_out or "", "given": ", ".join(given)}
    facts = {name: str(value) for name, value in facts.items()}
    return publish(replace(report, run=facts), truth, samples, folder)


def _with_held_out(data: Dataset, location: str, given: Sequence[str], on_progress: Progress | None) -> Dataset:
    """All of the data are for training; what is held out is elsewhere, half to compare with and half for the floor."""
    files = _read(location, data, given, on_progress)
    stored, given_rows = data.space.pack(_encode(data, files.loaded)), told(data, files.given)
    halves = [
        Split(stored[half], None if given_rows is None else given_rows[half], data.space)
        for half in (slice(None, len(stored) // 2), slice(len(stored) // 2, None))
    ]
    parts = (data.train, data.validation, data.test)
    known = [part.given for part in parts if part.given is not None]
    train = Split(torch.cat([part.x for part in parts]), torch.cat(known) if known else None, data.space)
    return replace(data, train=train, validation=halves[0], test=halves[1])


def _read(location: str, data: Dataset, given: Sequence[str], on_progress: Progress | None) -> Files:
    """Raises AnewError for another kind of data, and for too few."""
    source = open_source(location)
    if source.codec != data.codec.name:
        raise AnewError(f"'{location}' is of the kind {source.codec}, the real data are of the kind {data.codec.name}")
    pairs = [(loaded, record.given) for record, loaded in load_all(data.codec, source, on_progress)]
    if len(pairs) < card.SMALLEST:
        raise AnewError(f"'{location}' has {len(pairs)} usable {source.codec} records; {card.SMALLEST} are needed")
    if missing := [name for name in given if all(name not in row for _, row in pairs)]:
        raise AnewError(
            f"'{location}' does not say what '{missing[0]}' is of its records; leave out --given {missing[0]}"
        )
    order = torch.randperm(len(pairs), generator=generator(0, "files")).tolist()  # folders are sorted
    mixed = [pairs[i] for i in order]
    return Files([loaded for loaded, _ in mixed], [{name: row.get(name) for name in given} for _, row in mixed])


def _encode(data: Dataset, loaded: list[Any]) -> Tensor:
    return torch.cat([data.codec.encode(part) for part in _parts(loaded)])


def _parts(items: list[Any], size: int = 256) -> Iterator[list[Any]]:
    return (items[start : start + size] for start in range(0, len(items), size))
