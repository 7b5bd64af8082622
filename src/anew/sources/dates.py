"""Built-in dates: the same day in German, English and French, to be translated."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from random import Random
from typing import ClassVar

from anew.sources.source import Record, Source

_FIRST, _LAST = date(1900, 1, 1).toordinal(), date(2099, 12, 31).toordinal()
_MONTHS = (  # in English, French and German
    ("January", "janvier", "Januar"),
    ("February", "février", "Februar"),
    ("March", "mars", "März"),
    ("April", "avril", "April"),
    ("May", "mai", "Mai"),
    ("June", "juin", "Juni"),
    ("July", "juillet", "Juli"),
    ("August", "août", "August"),
    ("September", "septembre", "September"),
    ("October", "octobre", "Oktober"),
    ("November", "novembre", "November"),
    ("December", "décembre", "Dezember"),
)


class Dates(Source):
    """Yields 20,000 days of two centuries in German, each once, with English, of four forms, and French beside it."""

    codec: ClassVar[str] = "text"
    reads: ClassVar[str] = "pairs: 20,000 dates in German, with what they are in english and french"
    builtin: ClassVar[str] = "dates"
    count: ClassVar[int] = 20_000

    @classmethod
    def accepts(cls, location: str) -> bool:
        return location == cls.builtin

    def __init__(self, location: str = "") -> None:
        self.name = self.location = self.builtin

    def __iter__(self) -> Iterator[Record]:
        rng = Random(0)
        for ordinal in rng.sample(range(_FIRST, _LAST + 1), self.count):
            day = date.fromordinal(ordinal)
            yield Record(f"{day.day}. {_MONTHS[day.month - 1][2]} {day.year}", _others(day, rng), day.isoformat())

    def __len__(self) -> int:
        return self.count

    def fingerprint(self) -> str:
        return f"dates-{self.count}"


def _others(day: date, rng: Random) -> dict[str, str]:
    month, french, _ = _MONTHS[day.month - 1]
    english = rng.choice(("{m} {d}, {y}", "{d} {m} {y}", "the {th} of {m} {y}", "{s} {d}, {y}"))
    words = {"m": month, "s": month[:3], "d": day.day, "th": _ordinal(day.day), "y": day.year}
    return {
        "english": english.format(**words),
        "french": f"{'1er' if day.day == 1 else day.day} {french} {day.year}",
    }


def _ordinal(n: int) -> str:
    ending = "th" if n in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(n % 10, "th")
    return f"{n}{ending}"
