"""A card for samples from anywhere: files of them, beside files of real data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from os import PathLike
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from anew.codecs import make_codec
from anew.codecs.codec import Codec
from anew.codecs.dataset import Dataset, Progress, Split, load_all, prepare
from anew.errors import AnewError
from anew.evaluation import card
from anew.evaluation.anonymity import beside_real, check_columns
from anew.evaluation.build import describe, pictures, publish
from anew.evaluation.gather import effort, gather, of_table, told
from anew.evaluation.report import Report
from anew.rng import generator
from anew.sources import open_source
from anew.writing import check_writable


class Files(NamedTuple):
    """What was read, in random order: examples (n, *space.shape), and what is given with each."""

    x: Tensor
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
    quasi: Sequence[str] = (),
    sensitive: str | None = None,
) -> Report:
    """Writes report.html and report.json into `out`, and returns what is in them.

    `real` is what the samples were learned from. Without `held_out`, real data that they were not learned from, a tenth
    of `real` stands in for it twice, and a generator that has seen all of it may copy unseen. `quasi` and `sensitive`
    are columns: see `build.make_report`.
    """
    looked_at, folder = effort(quick, n), Path(out).expanduser()
    check_writable(folder)
    source = open_source(str(real))
    data = prepare(source, make_codec(source.codec, {}), given, on_progress)
    if held_out:
        data = _with_held_out(data, str(held_out), given, on_progress)
    files = _read(str(generated), data, given, on_progress)
    truth = gather(data, looked_at, on_progress)
    check_columns(truth.real, quasi, sensitive)
    some = slice(looked_at.train)  # of files of any length
    samples = data.codec.decode(files.x[some])
    examples = truth.examples(samples, files.given[some])
    rows = card.measure(examples, truth.real, on_progress=on_progress)
    report = describe(Path(generated).name, truth, examples, rows)
    facts = {"samples": generated, "real data": real, "held out": held_out or "", "given": ", ".join(given)}
    facts = {name: str(value) for name, value in facts.items()}
    report = replace(report, run=facts, anonymity=beside_real(examples, truth.real, quasi, sensitive))
    return publish(report, pictures(report, truth, examples, samples), folder)


def _with_held_out(data: Dataset, location: str, given: Sequence[str], on_progress: Progress | None) -> Dataset:
    """All of the data are for training; what is held out is elsewhere, half to compare with and half for the floor."""
    files = _read(location, data, given, on_progress)
    stored, given_rows = data.space.pack(files.x), told(data, files.given)
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
    codec, parts, rows = data.codec, [], []
    for record, loaded in load_all(codec, source, on_progress):
        if absent := _absent(codec, loaded):
            raise AnewError(f"'{location}' has no column '{absent[0]}', which the real data have; add it")
        parts.append(codec.encode([loaded]))
        rows += codec.told(loaded, record.given, given)
    if len(rows) < card.SMALLEST:
        raise AnewError(f"'{location}' has {len(rows)} usable {source.codec} records; {card.SMALLEST} are needed")
    if missing := [name for name in given if all(row.get(name) is None for row in rows)]:
        raise AnewError(
            f"'{location}' does not say what '{missing[0]}' is of its records; leave out --given {missing[0]}"
        )
    order = torch.randperm(len(rows), generator=generator(0, "files"))  # folders are sorted
    return Files(torch.cat(parts)[order], [rows[i] for i in order.tolist()])


def _absent(codec: Codec, loaded: Any) -> list[str]:
    """Columns of a table that were learned of the real data, and that a block of rows does not have."""
    columns = of_table(codec).columns if codec.frames else ()
    return [column.name for column in columns if column.fields and column.name not in loaded]
