"""The codec of levels: tiles in rows, as Tokens that lie in rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from hashlib import blake2b
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from anew.codecs.level.features import LevelFeatures
from anew.codecs.level.legend import KEYS, Legend, find_legend
from anew.codecs.level.picture import draw_levels
from anew.codecs.level.repair import repair
from anew.codecs.level.rules import LevelRules
from anew.codecs.level.text import UNKNOWN, Level, are_numbers, read_level, rows_of, text_of
from anew.codecs.level.tiled import write_map
from anew.codecs.level.traits import count_traits
from anew.codecs.tokens import TokenCodec
from anew.errors import AnewError
from anew.spaces import Batch, Tokens

_SIDE = 32  # of windows: longer sides are cut
_MOST_TILES = 2_000
_OUTSIDE = ""  # the tile beyond the right edge of levels that are narrower than others

Span = tuple[slice, slice]


@dataclass(frozen=True)
class LevelOptions:
    """What to do instead of what the data suggest.

    Levels larger than `size` (a side, or height and width, in tiles; 32 if nothing is said) are cut into windows. The
    rest is the legend: tiles as characters (".SG"), or numbers of Tiled ("1,5").
    """

    size: tuple[int, ...] | None = None
    solid: str | None = None
    walkable: str | None = None
    start: str | None = None
    goal: str | None = None

    def __post_init__(self) -> None:
        if self.size is not None and (len(self.size) not in (1, 2) or not all(2 <= n <= 256 for n in self.size)):
            asked = ",".join(map(str, self.size))
            raise AnewError(f"codec.size={asked} is not possible; expected a side, or height,width, from 2 to 256")

    @property
    def window(self) -> tuple[int, int]:
        """(height, width)"""
        size = self.size or (_SIDE,)
        return size[0], size[-1]

    @property
    def legend(self) -> dict[str, str]:
        return {key: text for key in KEYS if (text := getattr(self, key)) is not None}


class LevelCodec(TokenCodec):
    """Levels to Tokens(tiles, height * width, width) and back: text, one line a row.

    Codes are tiles by how frequent they are, then the unknown one, which no sample has, and, where levels are of
    several sizes, "outside", which fills up rows; what is missing below is padding. A level is an example, or, if it is
    large, as many as there are windows on it, which overlap by half; all of them go into the same split.
    """

    name: ClassVar[str] = "level"
    extension: ClassVar[str] = ".txt"
    Options: ClassVar[type] = LevelOptions
    blocks = True

    def __init__(self, options: LevelOptions | None = None) -> None:
        super().__init__(options or LevelOptions())
        self.tiles: tuple[str, ...] = ()  # of code 1 and on
        self.legend: Legend | None = None
        self._map: Mapping[str, Any] | None = None
        self._seen: dict[str, Any] = {}
        self._views: LevelFeatures | None = None

    # --- from records to tensors

    def load(self, content: Any) -> Level:
        """See `read_level`."""
        return read_level(content)

    def digest(self, loaded: str) -> bytes:
        return blake2b(loaded.encode(), digest_size=16).digest()

    def digests(self, loaded: str) -> list[bytes]:
        """That of the whole level for each window, so that they stay together."""
        return [self.digest(loaded)] * self.count(loaded)

    def count(self, loaded: str) -> int:
        rows = rows_of(loaded)
        return len(self._windows(len(rows), len(rows[0])))

    def told(self, loaded: str, given: Mapping[str, Any], names: Sequence[str]) -> list[dict[str, Any]]:
        return super().told(loaded, given, names) * self.count(loaded)

    def fit(self, loaded: Iterable[Level]) -> None:
        tiles: Counter[str] = Counter()
        sizes: Counter[tuple[int, int]] = Counter()
        kinds: set[bool] = set()
        legend = None
        for level in loaded:
            rows = rows_of(level)
            tiles.update(tile for row in rows for tile in row)
            sizes[len(rows), len(rows[0])] += 1
            kinds.add(are_numbers(level))
            legend, self._map = legend or level.legend, self._map or level.map
        _check(tiles, kinds)
        named = sorted(tiles.keys() - {UNKNOWN}, key=lambda tile: (-tiles[tile], tile))
        self.legend = find_legend(self.options.legend, legend, named, kinds == {True})
        windows = {(min(h, self.options.window[0]), min(w, self.options.window[1])) for h, w in sizes}
        low, high = min(sizes, key=lambda size: (size[0] * size[1], size)), [max(side) for side in zip(*sizes)]
        self._seen = {"smallest": list(low), "largest": high, "numbers": kinds == {True}, "several": len(windows) > 1}
        outside = [_OUTSIDE] if len(windows) > 1 else []
        self._set([*named, UNKNOWN, *outside], (max(h for h, _ in windows), max(w for _, w in windows)))

    def describe(self) -> str:
        few, many = ("{}x{}".format(*self._seen[key]) for key in ("smallest", "largest"))
        size = f"levels are {few}" if few == many else f"levels are {few} to {many}"
        size += ", cut into windows that overlap; --set codec.size=HEIGHT,WIDTH overrides" if self._cut else ""
        tiles = f"{len(self._learned)} kinds of tiles in {self._height}x{self._width} ({size})"
        legend = str(self.legend or "no legend, so nothing is known of ways")
        return f"{tiles}; {legend} (--set codec.solid=#, walkable, start and goal override)"

    def encode(self, loaded: Sequence[str]) -> Tensor:
        """int64 (B, height * width): all windows of all levels.

        Tiles that were not learned are the unknown one, what is larger than all that was learned is cropped.
        """
        codes = {tile: code for code, tile in enumerate(self.tiles, 1) if tile != _OUTSIDE}
        unknown, parts = codes[UNKNOWN], []
        for level in loaded:
            rows = np.array([[codes.get(tile, unknown) for tile in row] for row in rows_of(level)])
            parts += [self._framed(rows[span]) for span in self._windows(*rows.shape)]
        return torch.from_numpy(np.array(parts, np.int64).reshape(-1, self.space.length))

    def holes(self, loaded: Sequence[str], part: str = "") -> Tensor:
        """Tiles that were not learned, such as "?", are open."""
        x = self.encode(loaded)
        return x.masked_fill(x == self.tiles.index(UNKNOWN) + 1, -1)

    # --- from tensors to samples, files and pictures

    def decode(self, x: Tensor) -> list[str]:
        """Whatever the codes are, a rectangle comes out: the first row and the first column say how large it is, and
        what is missing within is the most frequent tile."""
        grids = self._grids(x)
        names = np.array(["", *self.tiles], dtype=object)
        numbers = self._seen["numbers"]
        return [text_of(names[np.where(self._is_absent(grid), 1, grid)].tolist(), numbers) for grid in grids]

    def rules(self, n: int) -> LevelRules:
        return LevelRules(n, len(self._learned), self.space, self._outside if self._seen["several"] else None)

    def to_bytes(self, sample: str) -> bytes:
        return write_map(rows_of(sample), self._map) if self._map is not None else (sample + "\n").encode()

    def to_array(self, samples: Sequence[str]) -> np.ndarray:
        """int64 (n, height, width): codes"""
        return super().to_array(samples).reshape(-1, self._height, self._width)

    def show(self, samples: Sequence[str], columns: int | None = None) -> bytes:
        """A colour a tile: walls are dark, starts green, goals red; shortest ways are drawn in."""
        return draw_levels(self._coded(samples), self.tiles, self.legend, columns)

    def mend(self, samples: Sequence[str]) -> tuple[list[str], str]:
        """Each with one start and one goal and a way between them (see `repair`), and what was done, in words.

        Raises AnewError where nothing says what starts and goals are, or where levels were cut.
        """
        if self.legend is None or not self.legend.has_ends:
            raise AnewError(
                "levels can be repaired if it is known where they start and end; train with codec.start, ..."
            )
        if self._cut:
            raise AnewError(
                "these are windows on larger levels, whose starts and goals are elsewhere; repair the whole"
            )
        mended = [repair(sample, self.legend, self._learned) for sample in samples]
        changed = (self.encode(samples) != self.encode(mended)).sum(1)
        each = f", by {changed[changed > 0].float().mean():.1f} tiles on average" if changed.any() else ""
        return mended, f"repaired {int((changed > 0).sum()):,} of {len(samples):,} levels{each}"

    # --- for measuring

    def fit_features(self, train: Batch, learn: bool = True) -> None:
        self._views = LevelFeatures(self.space)
        self._views.fit(train, learn)

    def features(self, samples: Sequence[str]) -> dict[str, np.ndarray]:
        """See `LevelFeatures`."""
        if self._views is None:
            raise RuntimeError("fit_features comes before features")
        return self._views.transform(self.encode(samples))

    def traits(self, samples: Sequence[str]) -> dict[str, np.ndarray]:
        """See `count_traits`; ways are left out where levels were cut, as their ends are elsewhere."""
        return count_traits(self._coded(samples), self.tiles, self.legend, ways=not self._cut)

    # --- for the run folder

    def to_json(self) -> dict[str, Any]:
        legend = None if self.legend is None else asdict(self.legend)
        learned = {"tiles": list(self.tiles), "size": [self._height, self._width], "legend": legend}
        return {"options": asdict(self.options), **learned, "map": self._map, "seen": self._seen}

    @classmethod
    def from_json(cls, state: dict[str, Any]) -> LevelCodec:
        options = state["options"]
        codec = cls(LevelOptions(**{**options, "size": options["size"] and tuple(options["size"])}))
        codec._map, codec._seen, legend = state["map"], dict(state["seen"]), state["legend"]
        if legend is not None:
            codec.legend = Legend(**{key: tuple(legend[key]) for key in KEYS}, origin=legend["origin"])
        height, width = state["size"]
        codec._set(state["tiles"], (height, width))
        return codec

    # --- its own

    @property
    def _width(self) -> int:
        return self.space.columns

    @property
    def _height(self) -> int:
        return self.space.length // self.space.columns

    @property
    def _learned(self) -> tuple[str, ...]:
        return self.tiles[: self.tiles.index(UNKNOWN)]

    @property
    def _outside(self) -> int:
        """Its code; that of the unknown tile where levels are of one size."""
        return len(self.tiles)

    @property
    def _cut(self) -> bool:
        return any(side > most for side, most in zip(self._seen["largest"], self.options.window))

    def _set(self, tiles: Sequence[str], size: tuple[int, int]) -> None:
        self.tiles = tuple(tiles)
        self.space = Tokens(len(tiles), size[0] * size[1], size[1])
        kind = ".tmj" if self._map is not None else ".csv" if self._seen["numbers"] else ".txt"
        self.extension = kind  # type: ignore[misc]

    def _windows(self, height: int, width: int) -> list[Span]:
        """Which parts of a level of this size are examples."""
        rows, columns = (_spans(side, most) for side, most in zip((height, width), self.options.window))
        return [(row, column) for row in rows for column in columns]

    def _framed(self, window: np.ndarray) -> np.ndarray:
        """Codes (height, width): outside on the right, and 0 below."""
        window = window[: self._height, : self._width]
        framed = np.full((self._height, self._width), self._outside)
        framed[: window.shape[0], : window.shape[1]] = window
        if self._seen["several"]:
            framed[len(window) :] = 0
        return framed

    def _grids(self, x: Tensor) -> list[np.ndarray]:
        """The codes of each level, cut to its size."""
        grids = x.detach().cpu().numpy().reshape(-1, self._height, self._width)
        if not self._seen["several"]:
            return list(grids)
        absent = self._is_absent(grids)
        heights, widths = _until(absent[:, :, 0]), _until(absent[:, 0])
        return [grid[:height, :width] for grid, height, width in zip(grids, heights, widths)]

    def _is_absent(self, x: np.ndarray) -> np.ndarray:
        return (x == 0) | (x == self._outside) if self._seen["several"] else x == 0

    def _coded(self, samples: Sequence[str]) -> np.ndarray:
        """int64 (n, H, W): codes of tiles, 0 for nothing."""
        x = self.to_array(samples)
        return np.where(self._is_absent(x), 0, x)


def _check(tiles: Mapping[str, int], kinds: set[bool]) -> None:
    if not kinds:
        raise AnewError("there are no levels to learn from; expected at least one")
    if len(kinds) > 1:
        raise AnewError("some levels are characters, others numbers between commas; give one kind")
    if len(tiles) > _MOST_TILES:
        found = f"found {len(tiles):,} kinds of tiles; {_MOST_TILES:,} at most can be learned"
        raise AnewError(f"{found}: give levels of one game, or leave layers of decoration out of the maps")


def _spans(side: int, most: int) -> list[slice]:
    """One for all, or windows that overlap by half; the last one ends at the end."""
    starts = [*range(0, max(1, side - most), max(1, most // 2)), *([side - most] if side > most else [])]
    return [slice(start, start + most) for start in starts]


def _until(absent: np.ndarray) -> list[int]:
    """How many come before the first that is absent, (n,) of bool (n, k): at least 1."""
    found = np.where(absent.any(1), absent.argmax(1), absent.shape[1])
    return np.maximum(found, 1).tolist()
