"""What people have: every mode, format and defect of images, in and out."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image

from anew.codecs import load_codec, make_codec, save_codec
from anew.codecs.codec import BadRecord
from anew.codecs.image.codec import ImageCodec, ImageOptions
from anew.errors import AnewError
from anew.spaces import Grid

rng = np.random.default_rng(0)


def saved(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def noise(*shape: int) -> np.ndarray:
    return rng.integers(0, 256, shape, dtype=np.uint8)


def colour(width: int = 8, height: int = 6) -> Image.Image:
    return Image.fromarray(noise(height, width, 3))


def load(content: Any) -> Image.Image:
    return ImageCodec().load(content)


def fitted(images: list[Image.Image], **changes: str) -> ImageCodec:
    codec = make_codec("image", changes)
    assert isinstance(codec, ImageCodec)
    codec.fit(iter(images))
    return codec


# --- load


@pytest.mark.parametrize("mode", ["L", "RGB", "1", "P", "CMYK", "YCbCr", "LA", "RGBA", "I;16", "I", "F"])
def test_every_mode_becomes_one_of_three(mode: str):
    image = Image.new(mode, (5, 4)) if mode == "I;16" else colour(5, 4).convert(mode)
    loaded = load(image)
    assert loaded.size == (5, 4)
    assert loaded.mode == {"1": "L", "L": "L", "I;16": "L", "I": "L", "F": "L"}.get(mode, "RGB")


@pytest.mark.parametrize("kind", ["PNG", "BMP", "GIF", "JPEG", "TIFF", "WEBP", "PPM", "ICO", "TGA"])
def test_formats(kind: str):
    image = Image.fromarray(noise(32, 32))
    assert load(saved(image, kind)).size == (32, 32)


def test_16_bits_are_scaled_and_not_clipped():
    values = np.array([[0, 257, 1000, 32768, 65535]], np.uint16)
    expected = [[0, 1, 4, 128, 255]]
    for content in (values, saved(Image.fromarray(values)), saved(Image.fromarray(values), "TIFF")):
        assert np.asarray(load(content)).tolist() == expected
    assert np.asarray(load(Image.fromarray(values.astype(np.int32)))).tolist() == expected


def test_floats():
    unit = np.array([[0, 0.5, 1]], np.float32)
    for values in (unit, unit * 255, unit * 65535):
        assert np.asarray(load(Image.fromarray(values))).tolist() == [[0, 128, 255]]
    assert np.asarray(load(Image.fromarray(unit * 4 - 2))).tolist() == [[0, 128, 255]]
    with pytest.raises(BadRecord, match="NaN"):
        load(Image.fromarray(unit * np.float32(np.nan)))


def test_exif_turns():
    image = Image.fromarray(np.array([[0, 255]], np.uint8))
    exif = Image.Exif()
    exif[0x0112] = 6
    assert np.asarray(load(saved(image, exif=exif))).tolist() == [[0], [255]]


def test_first_frame_of_animations():
    frames = [Image.new("L", (4, 4), value) for value in (10, 200)]
    for kind in ("GIF", "PNG", "WEBP"):
        data = saved(frames[0].convert("RGB"), kind, save_all=True, append_images=frames[1:], lossless=True)
        assert np.asarray(load(data)).max() == 10


def test_palette_with_transparency():
    image = Image.new("P", (2, 1))
    image.putpalette([255, 0, 0, 0, 255, 0])
    image.putdata([0, 1])
    assert load(saved(image)).mode == "RGB"
    pixels = np.asarray(load(saved(image, transparency=0)))
    assert pixels.tolist() == [[[255, 0, 0, 0], [0, 255, 0, 255]]]


def test_transparent_grey_and_the_opaque():
    assert load(saved(Image.new("L", (2, 2), 3), transparency=3)).mode == "RGBA"
    assert load(saved(Image.new("LA", (2, 2), (3, 100)))).mode == "RGBA"
    assert load(saved(Image.new("RGBA", (2, 2), (1, 2, 3, 255)))).mode == "RGB"


def test_arrays_and_paths(tmp_path: Path):
    assert load(noise(4, 5)).mode == "L"
    assert load(noise(4, 5, 1)).mode == "L"
    assert load(noise(4, 5, 3)).mode == "RGB"
    assert load(noise(4, 5) > 100).getextrema() == (0, 255)
    assert load(noise(1, 1)).size == (1, 1)
    path = tmp_path / "小 猫.png"
    path.write_bytes(saved(colour()))
    assert load(path).size == load(str(path)).size == (8, 6)


def cut(kind: str) -> Callable[[], bytes]:
    return lambda: saved(colour(64, 64), kind)[:-600]


@pytest.mark.parametrize(
    "make",
    [
        lambda: b"",
        lambda: b"just a text with the name photo.png",
        lambda: saved(colour())[:20],
        cut("PNG"),
        cut("JPEG"),
        cut("BMP"),
        lambda: b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n",
        lambda: Image.new("L", (0, 3)),
        lambda: noise(0, 3),
        lambda: noise(2, 3, 5),
        lambda: noise(3),
        lambda: np.full((3, 3), np.nan),
        lambda: np.zeros((3, 3)),
        lambda: np.full((3, 3), "a"),
        lambda: np.full((3, 3), None),
        lambda: None,
        lambda: 3,
        lambda: "/no/such/file.png",
    ],
)
def test_bad_ones(make: Callable[[], Any]):
    with pytest.raises(BadRecord) as error:
        load(make())
    assert str(error.value)


def test_decompression_bomb(monkeypatch: pytest.MonkeyPatch):
    data = saved(Image.new("L", (100, 100)))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    with pytest.raises(BadRecord, match="too large"):
        load(data)


@given(
    st.binary(max_size=300),
    st.integers(0, 400),
    st.sampled_from(["PNG", "GIF", "BMP", "JPEG", "TIFF", "WEBP"]),
)
@settings(max_examples=150, deadline=None)
def test_fuzzed_files_load_or_are_bad(junk: bytes, place: int, kind: str):
    data = saved(Image.fromarray(np.arange(192, dtype=np.uint8).reshape(8, 8, 3)), kind)
    for content in (junk, data[:place], data[:place] + junk + data[place + len(junk) :]):
        check_loads_or_is_bad(content)


SHAPES = st.lists(st.integers(0, 6), min_size=0, max_size=4).map(tuple)
KINDS = st.sampled_from([np.uint8, np.uint16, np.bool_, np.float32, np.int64])


@given(KINDS.flatmap(lambda kind: arrays.arrays(kind, SHAPES)))
@settings(max_examples=150, deadline=None)
def test_fuzzed_arrays_load_or_are_bad(array: np.ndarray):
    check_loads_or_is_bad(array)


MODES = [
    "1",
    "L",
    "P",
    "RGB",
    "RGBA",
    "CMYK",
    "YCbCr",
    "LAB",
    "HSV",
    "I",
    "F",
    "LA",
    "PA",
    "RGBX",
    "RGBa",
    "La",
    "I;16",
]


@given(st.sampled_from(MODES), st.integers(1, 40), st.integers(1, 40), st.integers(0, 2**32 - 1))
@settings(max_examples=150, deadline=None)
def test_fuzzed_modes_encode(mode: str, width: int, height: int, seed: int):
    image = Image.new(mode, (width, height))
    image.frombytes(np.random.default_rng(seed).bytes(len(image.tobytes())))
    loaded = check_loads_or_is_bad(image)
    if loaded:
        codec = fitted([loaded, colour()])
        assert codec.space.contains(codec.encode([loaded, colour()]))


def check_loads_or_is_bad(content: Any) -> Image.Image | None:
    try:
        loaded = load(content)
    except BadRecord:
        return None
    assert loaded.mode in ("L", "RGB", "RGBA")
    assert loaded.width * loaded.height > 0
    return loaded


# --- digest


def test_digest_is_of_the_pixels():
    codec, image = ImageCodec(), colour()
    same = {codec.digest(load(saved(image, kind))) for kind in ("PNG", "BMP", "TIFF")}
    grey = {codec.digest(load(saved(image.convert("L").convert(mode)))) for mode in ("L", "RGB", "RGBA")}
    assert len(same) == len(grey) == 1
    assert len(next(iter(same))) == 16
    assert codec.digest(load(noise(4, 6))) != codec.digest(load(noise(6, 4)))


# --- fit


def grey(width: int, height: int | None = None) -> Image.Image:
    return Image.new("L", (width, height or width))


@pytest.mark.parametrize(
    ("images", "changes", "space"),
    [
        ([grey(8)] * 3, {}, Grid(1, (8, 8))),
        ([grey(28)] * 3, {}, Grid(1, (28, 28))),
        ([grey(256)], {}, Grid(1, (256, 256))),
        ([grey(300)], {}, Grid(1, (256, 256))),
        ([grey(30, 20)] * 3, {}, Grid(1, (20, 30))),
        ([grey(30, 20), grey(20, 30)], {}, Grid(1, (16, 16))),
        ([grey(100), grey(150, 90), grey(4000, 3000)], {}, Grid(1, (64, 64))),
        ([grey(3), grey(4)], {}, Grid(1, (8, 8))),
        ([grey(8), grey(9).convert("RGB")], {}, Grid(1, (8, 8))),
        ([grey(8)] * 99 + [colour(8, 8)], {}, Grid(3, (8, 8))),
        ([grey(8)] * 99 + [Image.new("RGBA", (8, 8))], {}, Grid(4, (8, 8))),
        ([grey(8)] * 199 + [Image.new("RGBA", (8, 8))], {}, Grid(1, (8, 8))),
        ([grey(8)], {"size": "32", "channels": "3"}, Grid(3, (32, 32))),
    ],
)
def test_fit(images: list[Image.Image], changes: dict[str, str], space: Grid):
    assert fitted(images, **changes).space == space


def test_describe_says_what_was_seen_and_what_to_do():
    images = [grey(31, 40), grey(640, 480), grey(4000, 3000)]
    text = fitted(images, size="64").describe()
    assert text.startswith("64x64 grey (from sizes 31x40 to 4000x3000, median short side 480")
    assert "--set codec.size=" in text


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"size": "3"}, "4 to 1024"),
        ({"size": "1025"}, "4 to 1024"),
        ({"channels": "2"}, "1, 3 or 4"),
        ({"size": "big"}, "int"),
        ({"sise": "32"}, "did you mean 'codec.size'"),
    ],
)
def test_wrong_options(changes: dict[str, str], message: str):
    with pytest.raises(AnewError, match=message):
        make_codec("image", changes)


def test_no_images():
    with pytest.raises(AnewError, match="no images"):
        fitted([])


# --- encode and decode


@pytest.mark.parametrize("shape", [(5, 7), (5, 7, 3), (5, 7, 4)])
def test_decode_of_encode_keeps_the_pixels(shape: tuple[int, ...]):
    images = [load(noise(*shape)) for _ in range(3)]
    codec = fitted(images)
    x = codec.encode(images)
    assert codec.space.contains(x)
    assert [i.tobytes() for i in codec.decode(x)] == [i.tobytes() for i in images]
    assert codec.to_array(images).shape == (3, *shape)
    assert torch.equal(codec.encode([load(codec.to_bytes(i)) for i in images]), x)


def test_resize_covers_and_crops_the_centre():
    pixels = np.zeros((40, 100), np.uint8)
    pixels[:, 30:70] = 255
    codec = fitted([grey(20)])
    assert codec.encode([load(pixels)]).min() > 0.8


def test_large_photos_are_averaged_down():
    pixels = np.tile(np.array([[0, 255], [255, 0]], np.uint8), (500, 700))
    x = fitted([grey(20)]).encode([load(pixels)])
    assert x.abs().max() < 0.02


def test_transparent_becomes_white_where_there_is_no_alpha():
    codec = fitted([grey(8)])
    assert codec.encode([Image.new("RGBA", (8, 8), (9, 9, 9, 0))]).min() == 1


def test_empty_batches():
    codec = fitted([grey(8)])
    assert codec.encode([]).shape == (0, 1, 8, 8)
    assert codec.decode(torch.zeros(0, 1, 8, 8)) == []
    assert codec.to_array([]).shape == (0, 8, 8)


def test_json_brings_the_codec_back():
    images = [load(noise(9, 9, 3)), load(noise(30, 20, 3))]
    codec = fitted(images, size="16")
    again = load_codec(save_codec(codec))
    assert again.space == codec.space
    assert again.describe() == codec.describe()
    assert again.options == codec.options
    assert torch.equal(again.encode(images), codec.encode(images))


# --- show


@pytest.mark.parametrize(
    ("count", "columns", "shape", "size"),
    [
        (4, None, (8, 8), (102, 102)),
        (3, 3, (28, 28), (176, 60)),
        (1, None, (64, 64), (68, 68)),
        (5, None, (8, 8), (152, 102)),
    ],
)
def test_show(count: int, columns: int | None, shape: tuple[int, int], size: tuple[int, int]):
    images = [load(noise(*shape)) for _ in range(count)]
    assert Image.open(io.BytesIO(fitted(images).show(images, columns))).size == size


@pytest.mark.parametrize(("count", "columns"), [(0, None), (400, None), (2000, None), (30, 30), (200, 1)])
def test_show_stays_small(count: int, columns: int | None):
    images = [grey(100)] * count
    assert max(Image.open(io.BytesIO(fitted([grey(100)]).show(images, columns))).size) <= 2002


@pytest.mark.parametrize(("values", "levels"), [([0, 255], 2), ([0, 128, 255], 3), ([0, 7, 255], 256)])
def test_few_grey_values_are_kept_as_such(values: list[int], levels: int) -> None:
    pixels = np.resize(np.array(values, np.uint8), (6, 5))
    codec = ImageCodec()
    codec.fit([Image.fromarray(pixels)])
    assert codec.space.levels == levels
    x = codec.encode([Image.fromarray(pixels)])
    assert codec.space.contains(x)
    np.testing.assert_array_equal(np.asarray(codec.decode(x)[0]), pixels)
    blurred = codec.decode(x * 0.9)[0]
    assert {value for _, value in blurred.getcolors()} <= set(values) or levels == 256


def test_scaled_images_have_all_levels() -> None:
    codec = ImageCodec(ImageOptions(size=8))
    codec.fit([Image.fromarray(np.resize(np.array([0, 255], np.uint8), (16, 16)))])
    assert codec.space.levels == 256
