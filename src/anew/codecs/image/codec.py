"""The codec of images: any file that Pillow reads, as a Grid of one size."""

from __future__ import annotations

import io
import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from hashlib import blake2b
from typing import Any, ClassVar

import numpy as np
import PIL.Image
import torch
from PIL import ImageChops, ImageOps
from torch import Tensor

from anew.codecs.codec import Codec
from anew.codecs.image.features import ImageFeatures
from anew.codecs.image.reading import read_image
from anew.errors import AnewError
from anew.spaces import Batch, Grid

_MODES = {1: "L", 3: "RGB", 4: "RGBA"}
_SIZES = (32, 64, 128, 256)  # of images that come in many sizes
_MOST_LEVELS = 32  # of images in a few grey values, such as black and white ones; beyond, all 256 are used
_TRANSPARENT = 0.01  # share of images with transparency from which on it is kept
_PADDING, _SMALLEST_TILE, _LARGEST_PICTURE = 2, 48, 2000  # pixels, of the picture that `show` draws
_BACKGROUND = (232, 232, 232)

Image = PIL.Image.Image


@dataclass(frozen=True)
class ImageOptions:
    """What to do instead of what the data suggest: `size` in pixels (square), `channels` 1, 3 or 4."""

    size: int | None = None
    channels: int | None = None

    def __post_init__(self) -> None:
        if self.size is not None and not 4 <= self.size <= 1024:
            raise AnewError(f"codec.size={self.size} is out of range; expected 4 to 1024")
        if self.channels is not None and self.channels not in _MODES:
            raise AnewError(f"codec.channels={self.channels} is not possible; expected 1, 3 or 4")


class ImageCodec(Codec):
    """Pillow images of mode L, RGB or RGBA to Grid(channels, (height, width)) and back."""

    name: ClassVar[str] = "image"
    extension: ClassVar[str] = ".png"
    Options: ClassVar[type] = ImageOptions
    space: Grid

    def __init__(self, options: ImageOptions | None = None) -> None:
        super().__init__(options or ImageOptions())
        self._seen: dict[str, Any] = {}
        self._features: ImageFeatures | None = None

    # --- from records to tensors

    def load(self, content: Any) -> Image:
        """Bytes of a file, a path, a Pillow image, or uint8, uint16 or bool (H, W) or (H, W, C)."""
        return read_image(content)

    def digest(self, loaded: Image) -> bytes:
        """16 bytes: of the size and the pixels, however they were stored."""
        pixels = loaded if loaded.mode == "RGBA" else loaded.convert("RGB")
        digest = blake2b("{}x{}".format(*loaded.size).encode(), digest_size=16)
        digest.update(pixels.tobytes())
        return digest.digest()

    def fit(self, loaded: Iterable[Image]) -> None:
        sizes: Counter[tuple[int, int]] = Counter()
        values: set[int] | None = set()
        transparent, colour = 0, False
        for image in loaded:
            values = _values(values, image)
            sizes[image.size] += 1
            transparent += image.mode == "RGBA"
            colour = colour or _has_colour(image)
        if not sizes:
            raise AnewError("there are no images to learn from; expected at least one")
        found = 4 if transparent >= _TRANSPARENT * sizes.total() else 3 if colour else 1
        short = _median_short_side(sizes)
        by_area = sorted(sizes, key=lambda size: (math.prod(size), size))
        self._seen = {"smallest": list(by_area[0]), "largest": list(by_area[-1]), "short": short}
        side = self.options.size
        size = (side, side) if side else _choose_size(sizes, short)
        kept = list(sizes) == [size[::-1]]  # no image is scaled, so each keeps its values
        levels = _levels(values) if values is not None and kept else 256
        self.space = Grid(self.options.channels or found, size, levels)

    def describe(self) -> str:
        kind = {1: "grey", 3: "colour", 4: "colour with transparency"}[self.space.channels]
        kind += f" in {self.space.levels} levels" if self.space.levels < 256 else ""
        small, large = ("{}x{}".format(*self._seen[key]) for key in ("smallest", "largest"))
        sizes = f"sizes {small} to {large}, median short side {self._seen['short']}"
        origin = f"size {small}" if small == large else sizes
        return f"{self._width}x{self._height} {kind} (from {origin}; --set codec.size=32 overrides)"

    def encode(self, loaded: Sequence[Image]) -> Tensor:
        """float32 (B, C, H, W): scaled so that it covers the size, and cropped at the centre."""
        pixels = torch.from_numpy(self._channels_last(loaded)).permute(0, 3, 1, 2)
        return self.space.unpack(_rescale(pixels.contiguous(), 256, self.space.levels))

    # --- from tensors to samples, files and pictures

    def decode(self, x: Tensor) -> list[Image]:
        codes = self.space.pack(x.detach().cpu().float())
        pixels = _rescale(codes, self.space.levels, 256).permute(0, 2, 3, 1).numpy()
        return [PIL.Image.fromarray(image[:, :, 0] if image.shape[2] == 1 else image) for image in pixels]

    def to_bytes(self, sample: Image) -> bytes:
        file = io.BytesIO()
        sample.save(file, "PNG")
        return file.getvalue()

    def to_array(self, samples: Sequence[Image]) -> np.ndarray:
        """uint8 (n, H, W), or (n, H, W, C) in colour"""
        pixels = self._channels_last(samples)
        return pixels[..., 0] if self.space.channels == 1 else pixels

    def show(self, samples: Sequence[Image], columns: int | None = None) -> bytes:
        """Small images are enlarged by a whole number, transparent ones stand on white."""
        columns = columns or max(1, math.ceil(math.sqrt(len(samples))))
        rows = max(1, math.ceil(len(samples) / columns))
        width, height = self._tile(columns, rows)
        size = (columns * (width + _PADDING) + _PADDING, rows * (height + _PADDING) + _PADDING)
        picture = PIL.Image.new("RGB", size, _BACKGROUND)
        for index, sample in enumerate(samples):
            row, column = divmod(index, columns)
            corner = (_PADDING + column * (width + _PADDING), _PADDING + row * (height + _PADDING))
            picture.paste(_enlarge(_flat(self._frame(sample)), (width, height)), corner)
        return self.to_bytes(picture)

    # --- for measuring

    def fit_features(self, train: Batch, learn: bool = True) -> None:
        self._features = ImageFeatures()
        self._features.fit(train.x, train.given, learn)

    def features(self, samples: Sequence[Image]) -> dict[str, np.ndarray]:
        """Views "pixels", "random" and, if it was learned, "learned"; see `ImageFeatures`."""
        if self._features is None:
            raise RuntimeError("fit_features comes before features")
        return self._features.transform(self.encode(samples))

    # --- for the run folder

    def to_json(self) -> dict[str, Any]:
        space = {"channels": self.space.channels, "size": list(self.space.size), "levels": self.space.levels}
        return {"options": asdict(self.options), **space, "seen": self._seen}

    @classmethod
    def from_json(cls, state: dict[str, Any]) -> ImageCodec:
        codec = cls(ImageOptions(**state["options"]))
        height, width = state["size"]
        codec.space = Grid(int(state["channels"]), (int(height), int(width)), int(state["levels"]))
        codec._seen = dict(state["seen"])
        return codec

    # --- its own

    @property
    def _height(self) -> int:
        return self.space.size[0]

    @property
    def _width(self) -> int:
        return self.space.size[1]

    def _channels_last(self, images: Sequence[Image]) -> np.ndarray:
        """uint8 (n, H, W, C)"""
        shape = (len(images), self._height, self._width, self.space.channels)
        pixels = np.empty(shape, np.uint8)
        for index, image in enumerate(images):
            pixels[index] = np.asarray(self._frame(image)).reshape(shape[1:])
        return pixels

    def _frame(self, image: Image) -> Image:
        """The image in the mode and the size of the space."""
        mode, size = _MODES[self.space.channels], (self._width, self._height)
        if image.mode == "RGBA" and mode != "RGBA":
            image = _flat(image)
        if image.mode != mode:
            image = image.convert(mode)
        return image if image.size == size else _cover(image, size)

    def _tile(self, columns: int, rows: int) -> tuple[int, int]:
        """Width and height of one image in the picture: large enough to see, if there is room for it."""
        room = max(1, _LARGEST_PICTURE // max(columns, rows) - _PADDING)
        largest = max(self._width, self._height)
        if largest > room:
            return max(1, self._width * room // largest), max(1, self._height * room // largest)
        zoom = max(1, min(math.ceil(_SMALLEST_TILE / largest), room // largest))
        return self._width * zoom, self._height * zoom


def _values(before: set[int] | None, image: Image) -> set[int] | None:
    """All grey values so far, if they are few."""
    if before is None or image.mode != "L" or (found := image.getcolors(_MOST_LEVELS)) is None:
        return None
    before |= {value for _, value in found if isinstance(value, int)}
    return before if len(before) <= _MOST_LEVELS else None


def _levels(values: set[int]) -> int:
    """The fewest levels, evenly spaced from 0 to 255, that hold the values; 256 if there are more than a few."""
    for levels in range(2, _MOST_LEVELS + 1) if len(values) > 1 else ():
        if values <= set(np.linspace(0, 255, levels).round().astype(int).tolist()):
            return levels
    return 256


def _rescale(codes: Tensor, levels: int, wanted: int) -> Tensor:
    """Codes 0..levels-1 as the nearest of 0..wanted-1."""
    return codes if levels == wanted else (codes.float() * ((wanted - 1) / (levels - 1))).round().to(torch.uint8)


def _has_colour(image: Image) -> bool:
    if image.mode == "L":
        return False
    red, green, blue = _flat(image).split()
    return any(ImageChops.difference(red, other).getbbox() for other in (green, blue))


def _cover(image: Image, size: tuple[int, int]) -> Image:
    """Resized so that it covers `size`, and cropped at the centre."""
    factor = min(side // (3 * wanted) for side, wanted in zip(image.size, size))
    if factor > 1:  # photos are averaged down to three times the size first: as good, and much faster
        image = image.reduce(factor)
    return ImageOps.fit(image, size, PIL.Image.Resampling.LANCZOS)


def _flat(image: Image) -> Image:
    """Transparent images on white, others as they are."""
    if image.mode != "RGBA":
        return image
    white = PIL.Image.new("RGBA", image.size, "white")
    return PIL.Image.alpha_composite(white, image).convert("RGB")


def _enlarge(image: Image, size: tuple[int, int]) -> Image:
    method = PIL.Image.Resampling.NEAREST if size[0] >= image.width else PIL.Image.Resampling.BOX
    return image if image.size == size else image.resize(size, method)


def _median_short_side(sizes: Counter[tuple[int, int]]) -> int:
    return int(np.median([min(size) for size in sizes.elements()]))


def _choose_size(sizes: Counter[tuple[int, int]], short: int) -> tuple[int, int]:
    """(height, width): the one size all images have, or the largest usual square that half of them fill."""
    (width, height), *others = sizes
    if not others and max(width, height) <= _SIZES[-1]:
        return height, width
    side = max((size for size in _SIZES if size <= short), default=max(8, short // 8 * 8))
    return side, side
