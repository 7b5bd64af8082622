"""The contract of a source: files on disk, or something built in, that yield records one at a time."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, ClassVar, NamedTuple


@dataclass(frozen=True)
class Record:
    """One example as its source has it, or a block of them.

    `content` is what a codec reads (the bytes of a file, an array, a pandas frame of rows), or `Unreadable`; `given`
    is what is known beside it, such as {"label": "cat"}; `name` says where it came from, for messages.
    """

    content: Any
    given: dict[str, Any] = field(default_factory=dict)
    name: str = ""
    examples: int = 1  # that it is a block of


class Unreadable(NamedTuple):
    """The content of a record that its source cannot read."""

    reason: str  # "has 5 cells, the header has 4"


class Source(ABC):
    """Yields records in an order that never changes. Reading it twice gives the same records."""

    codec: ClassVar[str] = "image"  # the name of the codec that reads these records
    reads: ClassVar[str] = ""  # what it reads, in words, for lists and messages: "a zip of images"
    builtin: ClassVar[str] = ""  # the name it is opened by, if it is not opened by a path: "digits"
    name: str  # short, for a run folder: "photos" for /data/photos.zip
    location: str  # what to open it with again: an absolute path, or the name of a built-in

    @classmethod
    @abstractmethod
    def accepts(cls, location: str) -> bool:
        """Whether this class reads what is at `location`."""

    @abstractmethod
    def __init__(self, location: str) -> None:
        """Raises AnewError for what cannot be opened."""

    @abstractmethod
    def __iter__(self) -> Iterator[Record]: ...

    @abstractmethod
    def __len__(self) -> int:
        """How many examples there are, bad ones included, or about; for progress bars."""

    @abstractmethod
    def fingerprint(self) -> str:
        """A hash that changes when the data does, without reading all of it (names, sizes, times)."""

    def describe(self) -> str:
        """What was decided about how to read it, in one line a user can check; empty if nothing was."""
        return ""
