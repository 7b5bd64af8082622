"""Filling in what is missing: cells of tables, tiles of levels, gaps in texts, bars of music, nodes of graphs."""

from __future__ import annotations

from typing import Any, cast

import pandas as pd
import torch
from torch import Tensor

from anew.codecs.dataset import Progress, load_all
from anew.codecs.table.codec import TableCodec
from anew.drawing import Writing, draw, fill, fill_gaps
from anew.errors import AnewError
from anew.models.model import Completes
from anew.models.writing import Writes
from anew.run import Run
from anew.samples import Samples
from anew.sources import open_source

BARS = "?bars="  # of a piece of music, which are to be written again: x.mid?bars=5-8


def complete(run: Run, data: Any, seed: int, on_progress: Progress | None = None) -> Samples:
    """See `Run.complete`."""
    return _rows(run, data, seed, on_progress) if run.codec.frames else _sequences(run, data, seed, on_progress)


def _rows(run: Run, data: Any, seed: int, on_progress: Progress | None) -> Samples:
    if not run.fills:
        raise AnewError(f"'{run.path}' cannot fill in what is missing; train a table with --model autoregressive")
    codec = cast("TableCodec", run.codec)
    frame = pd.concat([loaded for _, loaded in load_all(codec, open_source(data), on_progress)], ignore_index=True)
    x = codec.encode(frame)
    known, told = x.masked_fill(codec.missing(x), torch.nan), None
    if run.given is not None:
        told = run.given.codec.encode_known(codec.told(frame, {}, run.info["given"]))
    filled = fill(run.model, known, told, seed, codec.missing, on_progress)
    return Samples(codec, codec.fill(frame, filled))


def _sequences(run: Run, data: Any, seed: int, on_progress: Progress | None) -> Samples:
    """Maps, graphs or sequences; those, too, of which the data do not say what is open."""
    if not isinstance(run.model, Completes | Writes):
        recipe = run.info["model"]["recipe"]
        raise AnewError(f"{recipe} cannot fill in what is missing; train with --model masked-diffusion")
    place, _, part = str(data).partition(BARS)
    source = open_source(place if part else data)
    known = run.codec.holes([content for _, content in load_all(run.codec, source, on_progress)], part)
    x = _filled(run, known, run.draw_given(len(known), {}, seed), seed, on_progress)
    return Samples(run.codec, run.codec.decode(x))


def _filled(run: Run, known: Tensor, given: Tensor | None, seed: int, on_progress: Progress | None) -> Tensor:
    """What is `known` with something in place of every -1: within gaps of a sequence, or anywhere."""
    if run.codec.gaps(known[:1]) is not None:
        return fill_gaps(run.model, known, given, seed, run.codec.gaps, on_progress)
    writing = Writing(rules=run.codec.rules) if isinstance(run.model, Writes) else None
    return draw(run.model, len(known), given, seed, on_progress, known, writing=writing)
