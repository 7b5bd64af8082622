"""Images in NumPy's files: .npy, mapped into memory and so of any size, and .npz with labels."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any, ClassVar
from zipfile import BadZipFile, ZipFile

import numpy as np

from anew.errors import AnewError
from anew.sources.files import fingerprint, readable
from anew.sources.source import Record, Source

_IMAGE_KEYS = ("images", "x", "data", "x_train", "arr_0")
_LABEL_KEYS = ("labels", "label", "y", "y_train", "targets")
_CHANNELS = (1, 3, 4)
_BLOCK = 256  # images looked at at a time
_SLACK = 1e-3  # of the range: rounding leaves values such as 1.0000001

_Headers = dict[str, tuple[tuple[int, ...], np.dtype]]


class Numpy(Source):
    """An array (N, H, W), (N, H, W, C) or (N, C, H, W), C being 1, 3 or 4, of whole numbers, bool or floats.

    Yields uint8 or uint16 arrays (H, W) or (H, W, C); an image with NaN is left as it is. Never unpickles.
    Raises AnewError for other shapes, types and ranges, and for labels that do not fit the images.
    """

    reads: ClassVar[str] = ".npy and .npz arrays of images"

    @classmethod
    def accepts(cls, location: str) -> bool:
        path = Path(location)
        return path.suffix.lower() in (".npy", ".npz") and path.is_file()

    def __init__(self, location: str) -> None:
        self._path = Path(location).absolute()
        self.name, self.location = readable(self._path.stem), str(self._path)
        headers = _headers(self._path)
        self._key, self._label_key = _image_key(headers, location), _label_key(headers)
        self._shape, dtype = headers[self._key]
        self._channels_last = _channels_last(self._shape, dtype, location)
        if self._label_key and headers[self._label_key][0] not in ((len(self),), (len(self), 1)):
            shape = headers[self._label_key][0]
            message = f"'{location}' has {len(self)} images, but '{self._label_key}' is of shape {shape}"
            raise AnewError(f"{message}; expected one label per image")

    def __iter__(self) -> Iterator[Record]:
        images, labels = self._load()
        convert = _converter(images, self.location)
        for index, image in enumerate(images):
            content = convert(image if self._channels_last else image.transpose(1, 2, 0))
            given = {} if labels is None else {"label": labels[index]}
            yield Record(content, given, f"{self._path.name}[{index}]")

    def __len__(self) -> int:
        return self._shape[0]

    def fingerprint(self) -> str:
        return fingerprint("numpy", [self._path], self._path.parent)

    def _load(self) -> tuple[np.ndarray, list[Any] | None]:
        """The images, mapped into memory if that is possible, and the labels."""
        try:
            if not self._key:
                return np.load(self._path, mmap_mode="r", allow_pickle=False), None
            with np.load(self._path, allow_pickle=False) as arrays:
                labels = arrays[self._label_key].reshape(-1).tolist() if self._label_key else None
                return arrays[self._key], labels
        except (ValueError, EOFError, BadZipFile) as error:
            raise _damaged(str(self._path)) from error


def _headers(path: Path) -> _Headers:
    """{key: (shape, dtype)} without reading the arrays; the key of a .npy file's only array is ""."""
    try:
        if path.suffix.lower() == ".npy":
            with path.open("rb") as file:
                return {"": _header(file)}
        with ZipFile(path) as archive:
            members = [name for name in archive.namelist() if name.endswith(".npy")]
            return {name.removesuffix(".npy"): _header(archive.open(name)) for name in members}
    except (ValueError, EOFError, BadZipFile) as error:
        raise _damaged(str(path)) from error


def _header(file: IO[bytes]) -> tuple[tuple[int, ...], np.dtype]:
    version = np.lib.format.read_magic(file)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, _, dtype = read(file)
    return shape, dtype


def _image_key(headers: _Headers, location: str) -> str:
    if "" in headers:
        return ""
    named = [key for want in _IMAGE_KEYS for key in headers if key.lower() == want]
    large = [key for key, (shape, _) in headers.items() if len(shape) >= 3]
    candidates = [key for key in named if key in large] or (large if len(large) == 1 else [])
    if not candidates:
        found = ", ".join(f"{key} {shape}" for key, (shape, _) in headers.items()) or "nothing"
        raise AnewError(f"'{location}' has no array of images under 'images' or 'x'; found {found}")
    return candidates[0]


def _label_key(headers: _Headers) -> str | None:
    return next((key for want in _LABEL_KEYS for key in headers if key.lower() == want), None)


def _channels_last(shape: tuple[int, ...], dtype: np.dtype, location: str) -> bool:
    """Whether one image is (H, W) or (H, W, C), not (C, H, W)."""
    if dtype.kind not in "buif":
        raise AnewError(f"'{location}' holds values of type {dtype}; expected uint8, uint16, bool or floats")
    if all(shape) and (len(shape) == 3 or (len(shape) == 4 and shape[-1] in _CHANNELS)):
        return True
    if all(shape) and len(shape) == 4 and shape[1] in _CHANNELS:
        return False
    expected = "(N, H, W), (N, H, W, C) or (N, C, H, W), C being 1, 3 or 4"
    raise AnewError(f"'{location}' holds an array of shape {shape}; expected {expected}")


def _converter(images: np.ndarray, location: str) -> Callable[[np.ndarray], np.ndarray]:
    """How to make one image uint8 or uint16: from [0, 1], [-1, 1], [0, 255] or, if whole, [0, 65535].

    The range of the whole array decides, once, not that of one image: a dark picture must stay dark.
    """
    if images.dtype in (np.uint8, np.uint16, np.bool_):
        return lambda image: image
    low, high = _range(images)
    whole = images.dtype.kind in "ui"
    for bottom, top in ((0, 1), (-1, 1), (0, 255)) + (((0, 65535),) if whole else ()):
        slack = _SLACK * (top - bottom)
        if bottom - slack <= low and high <= top + slack:
            return lambda image: _quantise(image, bottom, top)
    expected = "[0, 1], [-1, 1] or [0, 255]"
    raise AnewError(f"'{location}' holds values from {low:g} to {high:g}; expected a range of {expected}")


def _range(images: np.ndarray) -> tuple[float, float]:
    """The lowest and the highest finite value, (0, 0) if there is none."""
    low, high = np.inf, -np.inf
    for start in range(0, len(images), _BLOCK):
        block = images[start : start + _BLOCK]
        known = block[np.isfinite(block)]
        if known.size:
            low, high = min(low, float(known.min())), max(high, float(known.max()))
    return (low, high) if low <= high else (0.0, 0.0)


def _quantise(image: np.ndarray, low: float, high: float) -> np.ndarray:
    if not np.isfinite(image).all():
        return image  # the codec names it as a bad record
    top, kind = (65535, np.uint16) if high == 65535 else (255, np.uint8)
    values = (image.astype(np.float64) - low) * (top / (high - low))
    return values.round().clip(0, top).astype(kind)


def _damaged(location: str) -> AnewError:
    message = f"'{location}' is damaged, cut short or not an array of numbers"
    return AnewError(f"{message}; save it again with numpy.save or numpy.savez")
