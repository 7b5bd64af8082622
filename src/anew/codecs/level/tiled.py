"""Maps of Tiled (https://doc.mapeditor.org/en/stable/reference/json-map-format/), read and written as JSON.

A tile is a number, its place among the tilesets of the map, with bits that say how it is turned; 0 is none. Where a map
has several layers of tiles, those of a cell are one tile: "12/0/3".
"""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from anew.codecs.codec import BadRecord

TURNED = 0xF0000000  # the bits of a number that say how a tile is turned
_MOST = 2**26  # bytes of a layer, unpacked
_LAYER = {"opacity": 1, "type": "tilelayer", "visible": True, "x": 0, "y": 0}
_OF_THE_TILES = ("data", "encoding", "compression", "width", "height", "chunks", "startx", "starty")

Rows = list[list[str]]


def read_map(content: bytes | Mapping[str, Any]) -> tuple[Rows, dict[str, Any]]:
    """The tiles, and the map without them; what else is in it (objects, pictures) is left out. Raises BadRecord."""
    try:
        found = json.loads(content, parse_constant=str) if isinstance(content, bytes) else dict(content)
        if "layers" not in found:
            raise BadRecord("is JSON, but no map of Tiled")
        layers = list(_tile_layers(found["layers"]))
        if found.get("infinite") or any("chunks" in layer for layer in layers):
            raise BadRecord("is an infinite map; turn off 'Infinite' in Tiled (Map > Map Properties) and save it again")
        width, height = int(found["width"]), int(found["height"])
        if not layers or width < 1 or height < 1:
            raise BadRecord("is a map without tiles")
        tiles = [_numbers(layer, width * height) for layer in layers]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise BadRecord(f"is a damaged map of Tiled ({type(error).__name__}: {error})") from error
    cells = list(map("/".join, zip(*(map(str, numbers) for numbers in tiles))))
    rest = {key: value for key, value in found.items() if key not in ("layers", "width", "height")}
    rest["layers"] = [{key: layer[key] for key in layer if key not in _OF_THE_TILES} for layer in layers]
    return [cells[start : start + width] for start in range(0, len(cells), width)], rest


def write_map(rows: Sequence[Sequence[str]], rest: Mapping[str, Any]) -> bytes:
    """Inverse of `read_map`; a tile that is no number, or lacks a layer, is none there."""
    height, width = len(rows), len(rows[0])
    cells = [tile.split("/") for row in rows for tile in row]
    layers = []
    for place, layer in enumerate(rest["layers"]):
        numbers = [int(cell[place]) if place < len(cell) and cell[place].isdecimal() else 0 for cell in cells]
        layers.append({**_LAYER, **layer, "data": numbers, "width": width, "height": height})
    whole = {**rest, "layers": layers, "width": width, "height": height}
    return (json.dumps(whole, ensure_ascii=False) + "\n").encode()


def _tile_layers(layers: Sequence[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    """Also those in groups."""
    for layer in layers:
        if layer.get("type") == "group":
            yield from _tile_layers(layer["layers"])
        elif layer.get("type") == "tilelayer":
            yield layer


def _numbers(layer: Mapping[str, Any], count: int) -> list[int]:
    data = layer["data"]
    if layer.get("encoding") == "base64":
        data = np.frombuffer(_unpacked(data, layer.get("compression") or ""), "<u4").tolist()
    if len(data) != count or not all(type(number) is int and 0 <= number < 2**32 for number in data):
        raise ValueError(f"the layer '{layer.get('name', '')}' does not hold {count} numbers")
    return list(data)


def _unpacked(data: str, how: str) -> bytes:
    packed = base64.b64decode(data)
    if how not in ("", "zlib", "gzip"):
        raise BadRecord(f"is packed with {how}; choose CSV as its 'Tile Layer Format' in Tiled and save it again")
    if not how:
        return packed
    try:
        return zlib.decompressobj(zlib.MAX_WBITS | 32).decompress(packed, _MOST)
    except zlib.error as error:
        raise ValueError(str(error)) from error
