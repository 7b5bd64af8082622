"""Maps of Tiled: all ways to pack them, layers, turned tiles, and damage."""

from __future__ import annotations

import base64
import gzip
import json
import struct
import zlib
from pathlib import Path
from typing import Any

import pytest

from anew.codecs import load_codec, make_codec, save_codec
from anew.codecs.codec import BadRecord
from anew.codecs.dataset import load_all
from anew.codecs.level.codec import LevelCodec
from anew.codecs.level.text import UNKNOWN, read_level
from anew.codecs.level.tiled import read_map, write_map
from anew.sources import open_source
from anew.sources.levels import LevelFile

TURNED = 0x80000000 | 3  # tile 3, mirrored
NUMBERS = [1, 0, 2, TURNED, 1, 1]


def layer(data: Any = NUMBERS, **more: Any) -> dict[str, Any]:
    return {"type": "tilelayer", "name": "ground", "data": data, "width": 3, "height": 2, **more}


def tiled(*layers: dict[str, Any], **more: Any) -> dict[str, Any]:
    sizes = {"width": 3, "height": 2, "tilewidth": 16, "tileheight": 16}
    tilesets = [{"firstgid": 1, "source": "瓦片.tsx"}]
    return {"type": "map", "infinite": False, **sizes, "tilesets": tilesets, "layers": list(layers), **more}


def packed(how: str) -> dict[str, Any]:
    pack = {"": bytes, "zlib": zlib.compress, "gzip": gzip.compress}[how]
    data = base64.b64encode(pack(struct.pack("<6I", *NUMBERS))).decode()
    return layer(data, encoding="base64", compression=how)


@pytest.mark.parametrize("how", ["", "zlib", "gzip"])
def test_packed_tiles(how: str):
    assert read_map(tiled(packed(how))) == read_map(tiled(layer()))


def test_bytes_of_a_file_and_a_mark_before_them():
    content = json.dumps(tiled(layer())).encode()
    assert read_level(content) == read_level(b"\xef\xbb\xbf" + content) == f"1,0,2\n{TURNED},1,1"
    assert read_level(LevelFile(content)).map == read_map(content)[1]


def test_layers_are_read_together_and_written_apart():
    ground, things = layer(), layer([0, 5, 0, 0, 0, 7], name="things", opacity=0.5)
    objects = {"type": "objectgroup", "objects": []}
    rows, rest = read_map(tiled({"type": "group", "layers": [ground, objects]}, things))
    assert rows == [["1/0", "0/5", "2/0"], [f"{TURNED}/0", "1/0", "1/7"]]
    written = json.loads(write_map(rows, rest))
    assert [each["data"] for each in written["layers"]] == [ground["data"], things["data"]]
    assert [each["name"] for each in written["layers"]] == ["ground", "things"]
    assert written["layers"][1]["opacity"] == 0.5
    assert read_map(written) == (rows, {**rest, "layers": written_layers(written)})


def written_layers(written: dict[str, Any]) -> list[dict[str, Any]]:
    return [{k: v for k, v in each.items() if k not in ("data", "width", "height")} for each in written["layers"]]


def test_a_tile_that_is_none():
    written = json.loads(write_map([["1", UNKNOWN, "1/2/3"]], read_map(tiled(layer()))[1]))
    assert written["layers"][0]["data"] == [1, 0, 1]


@pytest.mark.parametrize(
    ("found", "reason"),
    [
        (tiled(layer(), infinite=True), "infinite map; turn off 'Infinite'"),
        (tiled({"type": "tilelayer", "chunks": []}), "infinite map"),
        (tiled(layer([1, 2])), "the layer 'ground' does not hold 6 numbers"),
        (tiled(layer([1, 2, 3, 4, 5, -1])), "does not hold 6 numbers"),
        (tiled(layer([1, 2, 3, 4, 5, "6"])), "does not hold 6 numbers"),
        (tiled(layer("AAAA", encoding="base64", compression="zstd")), "packed with zstd; choose CSV"),
        (tiled(layer("AAAA", encoding="base64", compression="zlib")), "damaged"),
        (tiled(layer("?", encoding="base64")), "damaged"),
        (tiled(layer(None)), "damaged"),
        (tiled(layer(), width=10**9), "does not hold"),
        (tiled(layer(), width=0), "without tiles"),
        (tiled(), "without tiles"),
        (tiled(layers=3), "damaged"),
        ({}, "no map of Tiled"),
    ],
)
def test_damaged_maps(found: dict[str, Any], reason: str):
    with pytest.raises(BadRecord, match=reason):
        read_level(found)


@pytest.mark.parametrize("content", [b"", b"{", b'{"layers": [', b"[]", b"null", b"\xff\xfe", b'{"a": ' * 10_000])
def test_files_that_are_no_json(content: bytes):
    with pytest.raises(BadRecord, match="map of Tiled"):
        read_level(LevelFile(content))


def test_a_folder_of_maps_becomes_maps(tmp_path: Path):
    for number in range(4):
        data = [1, 2, 3, TURNED, number + 4, 5]
        (tmp_path / f"地图 {number}.tmj").write_text(json.dumps(tiled(layer(data))), encoding="utf-8")
    (tmp_path / "legend.json").write_text('{"solid": [1], "start": "2", "goal": 3}')
    codec = make_codec("level")
    assert isinstance(codec, LevelCodec)
    levels = [loaded for _, loaded in load_all(codec, open_source(tmp_path))]
    codec.fit(iter(levels))
    again = load_codec(json.loads(json.dumps(save_codec(codec), allow_nan=False)))
    assert again.extension == ".tmj"
    written = json.loads(again.to_bytes(again.decode(again.encode(levels))[0]))
    assert written["layers"][0]["data"] == [1, 2, 3, TURNED, 4, 5]
    assert written["tilesets"] == [{"firstgid": 1, "source": "瓦片.tsx"}]
    assert again.traits(levels)["steps"].tolist() == [1.0] * 4
    assert codec.legend is not None
    goal = codec.legend.masks(codec.tiles).goal
    assert {tile for tile, is_goal in zip(codec.tiles, goal) if is_goal} == {"3", str(TURNED)}, "turned, it is the same"
