"""Codecs: each turns one kind of data into a space and back. Importing this package imports none of them."""

from __future__ import annotations

import pkgutil
import types
from collections.abc import Mapping
from dataclasses import fields
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any, Literal, Union, get_args, get_origin, get_type_hints

from anew.errors import AnewError, unknown

if TYPE_CHECKING:
    from anew.codecs.codec import Codec

# And those that others added through the entry-point group `anew.codecs`.
CODECS = {
    "code": "anew.codecs.text.code:CodeCodec",
    "entities": "anew.codecs.entity.codec:EntityCodec",
    "image": "anew.codecs.image.codec:ImageCodec",
    "labels": "anew.codecs.labels:LabelCodec",
    "level": "anew.codecs.level.codec:LevelCodec",
    "music": "anew.codecs.music.codec:MusicCodec",
    "prompts": "anew.codecs.text.prompts:PromptCodec",
    "text": "anew.codecs.text.codec:TextCodec",
    "table": "anew.codecs.table.codec:TableCodec",
    "graph": "anew.codecs.graph.codec:GraphCodec",
    "molecule": "anew.codecs.graph.molecule:MoleculeCodec",
}

PREFIX = "codec."  # of a setting that is the codec's, and not the model's

_WORDS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


def codec_class(name: str) -> type[Codec]:
    """The class of the codec `name`; raises AnewError with the nearest name for an unknown one."""
    table = {point.name: point.value for point in entry_points(group="anew.codecs")} | CODECS
    if name not in table:
        raise unknown("codec", name, table)
    try:
        return pkgutil.resolve_name(table[name])
    except (ImportError, AttributeError, ValueError) as error:
        message = f"the codec '{name}' ({table[name]}) cannot be loaded: {error}; mend or uninstall its package"
        raise AnewError(message) from error


def make_codec(name: str, changes: Mapping[str, str] | None = None) -> Codec:
    """A codec, not yet fitted, with its options changed: `make_codec("image", {"size": "32"})`.

    An option that is a mapping is changed name by name: `make_codec("table", {"columns.zip": "category"})`.
    """
    kind = codec_class(name)
    hints = get_type_hints(kind.Options)
    known = {field.name: get_origin(hints[field.name]) is Mapping for field in fields(kind.Options)}
    values: dict[str, Any] = {}
    for key, text in (changes or {}).items():
        option, _, part = key.partition(".")
        if option not in known or bool(part) is not known[option]:
            raise unknown("setting", PREFIX + key, [PREFIX + name + ".NAME" * many for name, many in known.items()])
        if part:
            values.setdefault(option, {})[part] = _parse(PREFIX + key, text, get_args(hints[option])[1])
        else:
            values[option] = _parse(PREFIX + key, text, hints[option])
    return kind(kind.Options(**values))


def codec_changes(settings: Mapping[str, str]) -> dict[str, str]:
    """The settings that are the codec's, as `make_codec` takes them: {"codec.size": "32"} -> {"size": "32"}."""
    return {key.removeprefix(PREFIX): value for key, value in settings.items() if key.startswith(PREFIX)}


def save_codec(codec: Codec) -> dict[str, Any]:
    """All that `load_codec` needs, as JSON."""
    return {"codec": codec.name, **codec.to_json()}


def load_codec(state: Mapping[str, Any]) -> Codec:
    """Inverse of `save_codec`; raises KeyError, TypeError or ValueError for what is not a codec's state."""
    return codec_class(state["codec"]).from_json({key: value for key, value in state.items() if key != "codec"})


def _parse(setting: str, text: str, kind: Any) -> Any:
    """`text` as a value of the annotated type: a number, a truth value, a text, one of some, a tuple, or None."""
    if get_origin(kind) in (Union, types.UnionType):
        if text.lower() in ("none", "auto"):
            return None
        kind = next(option for option in get_args(kind) if option is not type(None))
    if get_origin(kind) is Literal:
        if text not in get_args(kind):
            raise unknown(f"{setting}", text, get_args(kind))
        return text
    if get_origin(kind) is tuple:
        return tuple(_parse(setting, part.strip(), get_args(kind)[0]) for part in text.split(",") if part.strip())
    try:
        return _WORDS[text.lower()] if kind is bool else kind(text)
    except (KeyError, ValueError) as error:
        raise AnewError(f"{setting}={text} is not valid; expected a value of type {kind.__name__}") from error
