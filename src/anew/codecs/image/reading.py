"""Reads what people call an image as 8 bits of grey (L), colour (RGB) or both with transparency (RGBA)."""

from __future__ import annotations

import io
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
from PIL import ImageOps

from anew.codecs.codec import BadRecord
from anew.sources.files import image_formats

Image = PIL.Image.Image
_ORIENTATION = 0x0112  # the EXIF tag
_PLAIN = ("L", "RGB")


def read_image(content: Any) -> Image:
    """An image from the bytes of a file, a path, an array or a Pillow image; raises BadRecord.

    Turned upright as EXIF says; the first frame of an animation; 16 bits are scaled, not clipped; an alpha
    channel without any transparency is dropped.
    """
    try:
        if isinstance(content, np.ndarray):
            return _opaque(_from_array(content))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a picture either loads or does not; nobody can act on the rest
            return _opaque(_from_image(content if isinstance(content, Image) else _open(content)))
    except BadRecord:
        raise
    except Exception as error:  # Pillow's decoders raise almost anything for a damaged file
        raise BadRecord(_reason(error)) from error


def _open(content: bytes | str | Path) -> Image:
    if isinstance(content, (str, Path)):
        content = Path(content).read_bytes()
    if not isinstance(content, (bytes, bytearray, memoryview)):
        raise BadRecord(f"is a {type(content).__name__}; expected an image")
    if not content:
        raise BadRecord("is empty or cannot be read")
    return PIL.Image.open(io.BytesIO(content), formats=sorted(set(image_formats().values())))


def _from_image(image: Image) -> Image:
    image.load()
    if not (image.width and image.height):
        raise BadRecord(f"has no pixels: {image.width}x{image.height}")
    return _to_8_bit(_upright(image))


def _from_array(array: np.ndarray) -> Image:
    """(H, W) or (H, W, C) of uint8, uint16 or bool."""
    pixels = array[:, :, 0] if array.ndim == 3 and array.shape[2] == 1 else array
    if not pixels.size or not (pixels.ndim == 2 or (pixels.ndim == 3 and pixels.shape[2] in (2, 3, 4))):
        raise BadRecord(f"is an array of shape {array.shape}; expected (H, W) or (H, W, C)")
    if pixels.dtype.kind == "f" and not np.isfinite(pixels).all():
        raise BadRecord("holds values that are not numbers (NaN or infinite)")
    if pixels.dtype == np.bool_:
        pixels = pixels.astype(np.uint8) * 255
    elif pixels.dtype == np.uint16:
        pixels = _from_16_bit(pixels)
    if pixels.dtype != np.uint8:
        raise BadRecord(f"is an array of {array.dtype}; expected uint8, uint16 or bool")
    image = PIL.Image.fromarray(np.ascontiguousarray(pixels))
    return image.convert("RGBA") if image.mode == "LA" else image


def _upright(image: Image) -> Image:
    try:
        turned = image.getexif().get(_ORIENTATION, 1) != 1
        return ImageOps.exif_transpose(image) if turned else image
    except Exception:  # damaged EXIF beside a good picture
        return image


def _to_8_bit(image: Image) -> Image:
    if image.mode in _PLAIN and not image.has_transparency_data:
        return image
    if image.mode == "F" or image.mode.startswith("I"):
        return PIL.Image.fromarray(_grey(np.asarray(image)))
    if image.has_transparency_data:
        return image.convert("RGBA")
    return image.convert("L" if image.mode == "1" else "RGB")


def _grey(values: np.ndarray) -> np.ndarray:
    """uint8 of values in [0, 65535] (whole numbers), [0, 1] or [0, 255] (floats); others are stretched."""
    if not np.isfinite(values).all():
        raise BadRecord("holds values that are not numbers (NaN or infinite)")
    low, high = float(values.min()), float(values.max())
    tops = (1, 255, 65535) if values.dtype.kind == "f" else (65535,)
    top = next((top for top in tops if low >= 0 and high <= top), None)
    start, span = (0.0, float(top)) if top else (low, high - low)
    return ((values.astype(np.float64) - start) * (255 / span)).round().astype(np.uint8)


def _from_16_bit(values: np.ndarray) -> np.ndarray:
    """65535 becomes 255: the nearest of 256 levels, which a shift by 8 bits is not."""
    return ((values.astype(np.uint32) + 128) // 257).astype(np.uint8)


def _opaque(image: Image) -> Image:
    if image.mode != "RGBA" or image.getchannel("A").getextrema() != (255, 255):
        return image
    return image.convert("RGB")


def _reason(error: Exception) -> str:
    if isinstance(error, PIL.UnidentifiedImageError):
        return "is not an image, or of a kind that is not read"
    if isinstance(error, PIL.Image.DecompressionBombError):
        return f"is too large: {error}"
    return f"is damaged: {str(error) or type(error).__name__}"
