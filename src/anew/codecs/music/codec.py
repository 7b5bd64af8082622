"""The codec of music: pieces in bars, as passages of codes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from hashlib import blake2b
from itertools import compress
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from anew.codecs.codec import BadRecord, Samples
from anew.codecs.music.bars import SILENT, Bars, costs, cut, read_bars, write_bars
from anew.codecs.music.events import Events, Kind
from anew.codecs.music.library import Score
from anew.codecs.music.picture import draw_music
from anew.codecs.music.reading import TICKS, read_score
from anew.codecs.music.rewriting import open_bars
from anew.codecs.music.rules import MusicRules, left_of
from anew.codecs.music.sound import to_wav
from anew.codecs.music.traits import traits
from anew.codecs.tokens import TokenCodec, check_length, padded, unpadded
from anew.errors import AnewError
from anew.nn.gaps import Gaps
from anew.spaces import Tokens

_TOGETHER = 10  # passages of a piece that are held out together
_FINEST = 24  # steps of a quarter
_FEW = 1_000  # passages, which a Transformer soon knows by heart

Passages = tuple[Score, ...]


@dataclass(frozen=True)
class MusicOptions:
    """How music is written.

    `length`: codes of a passage, at most; `grid`: steps of a quarter; `voices`: whether tracks of one instrument stay
    apart; `velocity` and `tempo`: whether they are learned; `transpose`: each passage also up to so many semitones
    higher and lower.
    """

    length: int = 2_048
    grid: int = 4
    voices: bool = True
    velocity: bool = False
    tempo: bool = False
    transpose: int = 0

    def __post_init__(self) -> None:
        check_length(self.length, 16)
        grids = [grid for grid in range(1, _FINEST + 1) if TICKS % grid == 0]
        if self.grid not in grids:
            raise AnewError(f"codec.grid={self.grid} is not possible; expected one of {', '.join(map(str, grids))}")
        if not 0 <= self.transpose < 12:
            raise AnewError(f"codec.transpose={self.transpose} is out of range; expected 0 to 11")

    @property
    def costs(self) -> tuple[int, int]:
        """Codes of a bar, and of a note, at most."""
        return 1 + self.tempo, 2 + self.velocity


class MusicCodec(TokenCodec):
    """Scores of symusic to codes and back. A piece is cut at bar lines into passages, each an example."""

    name: ClassVar[str] = "music"
    extension: ClassVar[str] = ".mid"
    Options: ClassVar[type] = MusicOptions
    blocks = True
    endings = (".wav",)
    beside = (".wav",)
    events: Events

    def __init__(self, options: MusicOptions | None = None) -> None:
        super().__init__(options or MusicOptions())
        self.seen: dict[str, int] = {}

    # --- from records to tensors

    def load(self, content: Any) -> Passages:
        bars = read_bars(read_score(content), self.options.grid, self.options.voices, SILENT)
        if not len(bars.notes):
            raise BadRecord("has no notes that last")
        keys = range(-self.options.transpose, self.options.transpose + 1)
        passages = cut(bars, self.options.length, *self.options.costs)
        return tuple(write_bars(passage.transposed(key)) for passage in passages for key in keys)

    def digest(self, loaded: Passages) -> bytes:
        """Of the notes and the bars, however loud and fast."""
        return blake2b(b"".join(_content(bars) for bars in self._bars(loaded)), digest_size=16).digest()

    def count(self, loaded: Passages) -> int:
        return len(loaded)

    def pick(self, loaded: Passages, rows: np.ndarray) -> Passages:
        return tuple(compress(loaded, rows))

    def digests(self, loaded: Passages) -> list[bytes]:
        """A piece is held out whole, a long one in stretches; with what it is in other keys."""
        size = _TOGETHER * (2 * self.options.transpose + 1)
        stretches = [loaded[start : start + size] for start in range(0, len(loaded), size)]
        return [digest for part in stretches for digest in [self.digest(part)] * len(part)]

    def told(self, loaded: Passages, given: Mapping[str, Any], names: Sequence[str]) -> list[dict[str, Any]]:
        return super().told(loaded, given, names) * len(loaded)

    def fit(self, loaded: Iterable[Passages]) -> None:
        self.seen = {"pieces": 0, "passages": 0, "notes": 0, "longest": 0}
        options = self.options
        self.events = Events.learn(self._measured(loaded), options.grid, options.tempo, options.velocity)
        self.space = Tokens(self.events.vocabulary, min(options.length, self.seen["longest"]))

    def describe(self) -> str:
        tracks = len({track for track, _ in self.events.notes})
        bars = ", ".join(f"{numerator}/{denominator}" for numerator, denominator in self.events.bars[:4])
        more = ", ..." if len(self.events.bars) > 4 else ""
        pieces, passages = self.seen["pieces"], self.seen["passages"]
        cut = f" as {passages:,} passages" if passages > pieces else ""
        what = f"{pieces:,} pieces{cut} of up to {self.space.length:,} codes (--set codec.length=512 overrides)"
        kinds = f"{self.seen['notes']:,} notes in {tracks} track{'s' * (tracks != 1)}, {bars}{more}"
        few = passages < _FEW and not self.options.transpose
        keys = "; so few are better learned in other keys, too: --set codec.transpose=5" if few else ""
        return f"{what}: {kinds}, {self.events.grid} steps a quarter (--set codec.grid=12){keys}"

    def encode(self, loaded: Sequence[Score | Passages]) -> Tensor:
        """int64 (B, length) of scores, each as one example, or of all passages of pieces."""
        scores = [score for one in loaded for score in (one if isinstance(one, tuple) else (one,))]
        return padded([self.events.encode(bars).tolist() for bars in self._bars(scores)], self.space.length)

    def holes(self, loaded: Sequence[Passages], part: str = "") -> Tensor:
        """Of pieces that are one passage, with the bars of a `part` such as "5-8" open."""
        if not part:
            raise AnewError("say which bars of a piece are to be written again: x.mid?bars=5-8")
        rows, keys = [], 2 * self.options.transpose + 1
        for piece in loaded:
            found = [self.events.encode(bars) for bars in self._bars(piece[keys // 2 :: keys])]
            if len(found) > 1 or len(found[0]) > self.space.length:
                longest = f"{sum(map(len, found)):,} codes, and passages of {self.space.length:,} were learned"
                raise AnewError(f"a piece has {longest}; give a part of it")
            rows.append(open_bars(found[0], part, self.events, self.space.length))
        return padded(rows, self.space.length)

    # --- from tensors to samples, files and pictures

    def decode(self, x: Tensor) -> list[Score]:
        return [write_bars(self.events.decode(codes)) for codes in unpadded(x)]

    def begun(self, prompt: str) -> Tensor:
        """The codes (T,) that samples begin with: those of a file of music; raises AnewError."""
        try:
            passages = self.load(Path(prompt).expanduser())
        except BadRecord as error:
            raise AnewError(f"'{prompt}' {error}; expected a file of music that samples shall begin with") from error
        return torch.from_numpy(self.events.encode(next(self._bars(passages))))[: self.space.length]

    def rules(self, n: int) -> MusicRules:
        return MusicRules(self.events, n)

    def gaps(self, known: Tensor) -> Gaps:
        """A note is whole within its bar, and the next bar line ends what is filled in."""
        kinds = torch.from_numpy(self.events.kinds)
        needs = torch.tensor([left_of(kind, bool(self.events.velocities)) for kind in Kind])[kinds][None]
        return Gaps(self.rules(len(known)), known, kinds <= Kind.BAR, lambda: needs)

    def to_bytes(self, sample: Score) -> bytes:
        return sample.dumps_midi()

    def together(self, samples: Samples, given: Sequence[Mapping[str, Any]], ending: str) -> bytes:
        """As sound, one after the other."""
        return to_wav(samples)

    def show(self, samples: Samples, columns: int | None = None) -> bytes:
        return draw_music(list(self._bars(samples)), columns)

    # --- for measuring

    def traits(self, samples: Samples) -> dict[str, np.ndarray]:
        return traits(list(self._bars(samples)))

    def amounts(self, samples: Samples) -> tuple[str, np.ndarray]:
        return "note", np.array([score.note_num() for score in samples])

    # --- for the run folder

    def to_json(self) -> dict[str, Any]:
        kept = {"options": asdict(self.options), "events": asdict(self.events)}
        return {**kept, "length": self.space.length, "seen": self.seen}

    @classmethod
    def from_json(cls, state: dict[str, Any]) -> MusicCodec:
        codec = cls(MusicOptions(**state["options"]))
        codec.events, codec.seen = Events.from_json(state["events"]), dict(state["seen"])
        codec.space = Tokens(codec.events.vocabulary, int(state["length"]))
        return codec

    # --- its own

    def _bars(self, scores: Iterable[Score]) -> Iterator[Bars]:
        return (read_bars(score, self.options.grid, self.options.voices) for score in scores)

    def _measured(self, loaded: Iterable[Passages]) -> Iterator[Bars]:
        """What music there is, counted."""
        for piece in loaded:
            self.seen["pieces"] += 1
            for bars in self._bars(piece):
                self.seen["passages"] += 1
                self.seen["notes"] += len(bars.notes)
                self.seen["longest"] = max(self.seen["longest"], int(costs(bars, *self.options.costs).sum()))
                yield bars


def _content(bars: Bars) -> bytes:
    columns = [bars.signatures, *(bars.notes[name] for name in ("start", "track", "pitch", "duration"))]
    return b"".join(column.tobytes() for column in columns)
