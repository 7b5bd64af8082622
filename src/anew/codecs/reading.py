"""Records as codecs load them: in order, several at a time where that helps, with progress and bad ones told."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import Any, TypeVar

from anew.codecs.codec import BadRecord, Codec
from anew.errors import AnewError
from anew.sources.source import Record, Source, Unreadable

Progress = Callable[[str, int, int], None]  # what is being done, how many are done, of how many
T = TypeVar("T")

_CHUNK = 8  # records held at a time: eight photos fill half a gigabyte
_REPORTED = 100  # examples from one report of progress to the next


def follow(source: Source, doing: str, on_progress: Progress) -> Iterator[Record]:
    """The records, reporting progress in examples."""
    total, done, said = len(source), 0, 0
    try:
        for record in source:
            done += record.examples
            yield record
            if done - said >= _REPORTED:
                on_progress(doing, done, total)
                said = done
    except OSError as error:
        message = f"'{source.location}' can no longer be read: {error.strerror or error}; run it again"
        raise AnewError(message) from error
    on_progress(doing, done, total)


def load_each(codec: Codec, records: Iterable[Record]) -> Iterator[tuple[Record, Any]]:
    """Each record with what it was loaded as, or with the BadRecord why not; in order.

    Blocks one at a time; others several at a time.
    """
    if codec.blocks:
        yield from ((record, _try(codec, record)) for record in records)
        return
    waiting: deque[Future[list[Any]]] = deque()
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for chunk in chunks(iter(records), codec):
            waiting.append(pool.submit(lambda some: [(record, _try(codec, record)) for record in some], chunk))
            if len(waiting) > (os.cpu_count() or 1):
                yield from waiting.popleft().result()
        for future in waiting:
            yield from future.result()


def _try(codec: Codec, record: Record) -> Any:
    if isinstance(record.content, Unreadable):
        return BadRecord(record.content.reason)
    try:
        return codec.load(record.content)
    except BadRecord as error:
        return error


def chunks(items: Iterator[T], codec: Codec) -> Iterator[list[T]]:
    """What is to be held at a time: a block, or several other records."""
    while chunk := list(islice(items, 1 if codec.blocks else _CHUNK)):
        yield chunk
