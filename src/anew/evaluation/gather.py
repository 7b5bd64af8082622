"""From prepared data and samples to what measures are given."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, NamedTuple
from zlib import crc32

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from anew.codecs.codec import Codec, Samples
from anew.codecs.dataset import Dataset, Progress
from anew.codecs.fitted import Fitted
from anew.codecs.tokens import padded
from anew.errors import AnewError
from anew.evaluation import card
from anew.evaluation.examples import Examples, Real
from anew.evaluation.impostors import independent
from anew.rng import generator
from anew.spaces import Batch, Tokens

WIDE, NARROW = 512, 256  # dimensions from which on a view is made narrow, and that it has then


@dataclass(frozen=True)
class Effort:
    """How many examples the card looks at, at most."""

    compared: int  # samples, and held-out examples
    train: int  # training examples in which copies are looked for
    learn: bool = True  # whether a view is learned


FULL, QUICK = Effort(2_000, 10_000), Effort(500, 2_500, learn=False)


def effort(quick: bool = False, n: int | None = None) -> Effort:
    """Of a quick card or a full one; of `n` samples if that is said. Raises AnewError for too few."""
    usual = QUICK if quick else FULL
    if n is not None and n < card.SMALLEST:
        raise AnewError(f"a card of {n} samples says nothing; compare {card.SMALLEST} or more")
    return usual if n is None else Effort(n, max(n, usual.train), usual.learn)


class Chosen(NamedTuple):
    """Examples of the three splits."""

    train: Batch
    held_out: Batch
    test: Batch


class Truth(NamedTuple):
    """Real data: prepared, chosen from, and as measures see them."""

    data: Dataset
    chosen: Chosen
    real: Real

    def examples(self, samples: Samples, given: Sequence[Mapping[str, Any]] = ()) -> Examples:
        """Samples in the ecosystem's own type, with what was given in the terms of the data."""
        return _examples(self.data, samples, told(self.data, given))

    def of_batch(self, batch: Batch) -> Examples:
        """As files would hold them."""
        return _examples(self.data, self.data.codec.decode(batch.x), batch.given)


def choose(data: Dataset, effort: Effort) -> Chosen:
    """Drawn at random, always the same ones, in whichever form the data are (as they are, or as latents)."""
    splits = ((data.train, effort.train), (data.validation, effort.compared), (data.test, effort.compared))
    return Chosen(*(split.batch(_some(len(split), most)) for split, most in splits))


def gather(data: Dataset, looked_at: Effort, on_progress: Progress | None = None) -> Truth:
    """Samples and real ones are both seen as what files hold: quantised."""
    chosen, limit = choose(data, looked_at), looked_at.compared
    parts, say = [], on_progress or (lambda *_: None)
    say("learning views", 0, 5)
    data.codec.fit_features(chosen.train, looked_at.learn)
    for done, batch in enumerate((*chosen, shuffled(take(chosen.train, slice(limit)), data.codec)), 1):
        say("learning views", done, 5)
        parts.append(_examples(data, data.codec.decode(batch.x), batch.given))
    fields = data.labels.space.fields if data.labels else ()
    train, held_out, test, impostor = parts
    real = Real(train, held_out, test, impostor, fields, digests(data.train.x), limit, say=_reader(data))
    return Truth(data, chosen, real)


def shuffled(batch: Batch, codec: Codec, share: float = 1.0) -> Batch:
    """The impostor of a batch: see `independent`. If nothing is left of it, what is given belongs to others."""
    given = batch.given
    if given is not None and share == 1:
        given = given[torch.randperm(batch.size, generator=generator(0, "given"))]
    return Batch(independent(batch.x, generator(0, "baseline"), share, owners(codec)), given)


def owners(codec: Codec) -> Tensor | None:
    """Which column of a table each field is of, (F,); None where each is on its own."""
    if not codec.frames:
        return None
    return of_table(codec).owners()


def typed(data: Dataset, samples: Any, given: Tensor | None) -> pd.DataFrame:
    """What the cells of a frame of samples hold, in the columns that are learned and those that are given (n, F)."""
    table = of_table(data.codec).typed(samples)
    if data.labels is None or given is None:
        return table
    told = pd.DataFrame(data.labels.decode(given), dtype=object)
    for column in data.labels.columns:
        cells = told[column.name]
        table[column.name] = cells.map(str, na_action="ignore") if column.values else cells.astype("float64")
    return table


def of_table(codec: Codec) -> Any:
    """The codec of a table itself."""
    return codec.inner if isinstance(codec, Fitted) else codec


def take(batch: Batch, rows: Tensor | slice) -> Batch:
    return Batch(batch.x[rows], None if batch.given is None else batch.given[rows])


def told(data: Dataset, given: Sequence[Mapping[str, Any]]) -> Tensor | None:
    """(n, F) of what was given in the terms of the data; None if nothing was, or the data were read without."""
    codec = data.given_codec
    return codec.encode([codec.known(row) for row in given]) if codec is not None and given else None


def _examples(data: Dataset, samples: Samples, given: Tensor | None) -> Examples:
    """With what was given (n, F)."""
    columns = {}
    if data.labels is not None and given is not None:
        names = [field.name for field in data.labels.space.fields]
        columns = dict(zip(names, given.double().numpy().T))
    stored = data.space.pack(data.codec.encode(samples))
    table = typed(data, samples, given) if data.codec.frames else None
    views = {name: narrow(x) for name, x in data.codec.features(samples).items()}
    codes = stored.numpy() if isinstance(data.space, Tokens) and not data.space.columns else None
    words = numbers(data.codec.words(samples))
    return Examples(views, columns, digests(stored), data.codec.traits(samples), table, codes, words)


def numbers(texts: Sequence[Sequence[str]] | None) -> np.ndarray | None:
    """int64 (n, most), padded with 0: a number for each word, always the same one."""
    if texts is None:
        return None
    return padded(
        [[1 + crc32(word.encode()) for word in words] for words in texts], max(map(len, texts), default=0)
    ).numpy()


def _reader(data: Dataset) -> Callable[[np.ndarray], str]:
    """From some codes (T,) of a text to letters; to nothing where there are none."""
    if data.codec.words([]) is None:
        return lambda codes: ""
    length = data.space.shape[0]
    return lambda codes: str(data.codec.decode(padded([codes.tolist()], length))[0]).strip("\ufffd")


def narrow(x: np.ndarray) -> np.ndarray:
    """A view (n, d) that is too wide, such as that of 1,000 columns, as (n, NARROW): always the same random projection,
    which keeps distances but for some per cent (Johnson and Lindenstrauss 1984)."""
    if x.shape[1] <= WIDE:
        return x
    directions = np.random.default_rng(0).normal(size=(x.shape[1], NARROW)) / NARROW**0.5
    return (x @ directions).astype(np.float32)


def _some(n: int, most: int) -> Tensor:
    return torch.randperm(n, generator=generator(0, "report"))[:most]


def digests(stored: Tensor) -> np.ndarray:
    """(n,) numbers of packed examples (n, ...), equal where these are."""
    rows = np.ascontiguousarray(stored.reshape(len(stored), -1).numpy())
    hashes = [blake2b(row.tobytes(), digest_size=8).digest() for row in rows]
    return np.frombuffer(b"".join(hashes), np.uint64)
