"""Lines of JSON: texts, with what is known of them; and dialogues."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from anew.codecs import make_codec
from anew.codecs.dataset import prepare
from anew.errors import AnewError
from anew.sources import open_source
from anew.sources.dialogue import dialogue
from anew.sources.source import Unreadable
from anew.sources.text_lines import TextLines


def write(path: Path, *rows: Any) -> Path:
    """Rows as JSON; bytes and texts as they are."""
    lines = [row if isinstance(row, bytes) else json.dumps(row, ensure_ascii=False).encode() for row in rows]
    path.write_bytes(b"\n".join(lines) + b"\n")
    return path


@pytest.mark.parametrize("name", ["text", "content", "document", "body", "story"])
def test_a_text_in_each_line(name: str, tmp_path: Path):
    source = open_source(write(tmp_path / "a 猫.jsonl", {name: "one", "year": 1999, "tags": ["x"]}, {name: "二"}))
    assert isinstance(source, TextLines)
    records = list(source)
    assert [record.content for record in records] == ["one", "二"]
    assert [record.given for record in records] == [{"year": 1999}, {}]
    assert records[1].name == "a 猫.jsonl, line 2"
    assert source.name == "a 猫"


def test_packed_and_with_a_mark(tmp_path: Path):
    path = tmp_path / "a.jsonl.gz"
    path.write_bytes(gzip.compress(b'\xef\xbb\xbf{"text": "one"}\r\n\r\n{"text": "two"}'))
    assert [record.content for record in open_source(path)] == ["one", "two"]


def test_lines_that_cannot_be_read_are_named(tmp_path: Path):
    lines = [b'{"text": "one"', b"[]", {"no": 1}, {"text": None}, {"text": 3}, b"[" * 100_000, b"\xff\xfe\x00", b"null"]
    path = write(tmp_path / "a.jsonl", {"text": "fine"}, *lines, b"", {"text": "fine too"})
    contents = [record.content for record in open_source(path)]
    assert [one for one in contents if not isinstance(one, Unreadable)] == ["fine", "fine too"]
    assert len(contents) == 2 + len(lines)
    good = [{"text": f"text {i}"} for i in range(5)]
    path = write(tmp_path / "b.jsonl", *good, *lines, {"text": "\0"}, {"text": " "})
    data = prepare(open_source(path), make_codec("text"))
    assert data.skipped_count == len(lines) + 2
    assert ("b.jsonl, line 6", "is not a line of JSON") in data.skipped


def test_half_of_a_surrogate_pair(tmp_path: Path):
    path = write(tmp_path / "a.jsonl", *(b'{"text": "%d \\ud83d \\u732b"}' % i for i in range(5)))
    data = prepare(open_source(path), make_codec("text"))
    assert data.skipped_count == 0
    assert data.codec.decode(data.space.unpack(data.test.x))[0].endswith(" ? 猫")


def test_one_huge_line(tmp_path: Path):
    path = write(tmp_path / "a.jsonl", {"text": "word " * 400_000}, {"text": "another"})
    data = prepare(open_source(path), make_codec("text", {"codes": "bytes"}))
    assert sum(map(len, (data.train, data.validation, data.test))) > 900


@pytest.mark.parametrize("content", [b"", b"\n\n", b'{"a": 1}\n', b"not json", b"\x00\xff\xfe", b'"text"\n'])
def test_files_without_texts_are_not_taken(content: bytes, tmp_path: Path):
    path = tmp_path / "a.jsonl"
    path.write_bytes(content)
    assert not TextLines.accepts(str(path))
    with pytest.raises(AnewError, match="not a kind of file"):
        open_source(path)


def test_a_damaged_archive_is_not_taken(tmp_path: Path):
    path = tmp_path / "a.jsonl.gz"
    path.write_bytes(gzip.compress(b'{"text": "one"}\n' * 1_000)[:30])
    assert not TextLines.accepts(str(path))


def test_an_archive_that_ends_early(tmp_path: Path):
    path = tmp_path / "a.jsonl.gz"
    lines = b"".join(b'{"text": "%x"}\n' % (i * 2654435761) for i in range(20_000))
    path.write_bytes(gzip.compress(lines)[:-2_000])
    with pytest.raises(AnewError, match="cut short"):
        prepare(open_source(path), make_codec("text"))


SAID = [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "Hi!"}]
TURNS = [*SAID, {"role": "assistant", "content": " Hello,\nyou.\n"}]


def test_dialogues(tmp_path: Path):
    rows = [{"messages": TURNS, "topic": "greeting"}, {"messages": SAID}, {"messages": []}]
    path = write(tmp_path / "chat.jsonl", *rows)
    records = list(open_source(path))
    assert records[0].content == "<|system|>Be kind.\n<|user|>Hi!\n<|assistant|>Hello,\nyou.\n"
    assert records[0].given == {"topic": "greeting"}
    assert isinstance(records[2].content, Unreadable)


def test_messages_in_parts():
    parts = [{"type": "text", "text": "What is this?"}, {"type": "image_url", "image_url": {}}]
    assert dialogue([{"role": "user", "content": parts}]) == "<|user|>What is this?\n"


@pytest.mark.parametrize("said", [[], None, "hi", ["hi"], [{"role": 1, "content": "a"}], [{"content": "a"}], [{}]])
def test_what_is_no_dialogue(said: Any):
    assert dialogue(said) is None
