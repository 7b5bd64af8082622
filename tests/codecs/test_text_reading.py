"""Text as people have it: encodings, line ends, and what is no text."""

from __future__ import annotations

import codecs
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anew.codecs.codec import BadRecord
from anew.codecs.text import reading as text_reading
from anew.codecs.text.reading import read_text, stretches

SAID = "naïve “café” – 5 €\nÄpfel"


@pytest.mark.parametrize(
    "data",
    [
        SAID.encode(),
        SAID.encode("utf-8-sig"),
        SAID.encode("utf-16"),
        codecs.BOM_UTF16_BE + SAID.encode("utf-16-be"),
        SAID.encode("utf-32"),
        SAID.encode("cp1252"),
        SAID.replace("\n", "\r\n").encode(),
        SAID.replace("\n", "\r").encode("utf-16"),
    ],
)
def test_encodings_and_line_ends(data: bytes, tmp_path: Path):
    assert read_text(data) == SAID
    path = tmp_path / "猫 1.txt"
    path.write_bytes(data)
    assert read_text(path) == SAID


@pytest.mark.parametrize("text", ["猫坐在垫子上。", "🐈‍⬛👩‍👩‍👧", "\u2028", "a\x0cb", "\ufeff\ufeffa"])
def test_text_of_any_language(text: str):
    assert read_text(text) == text.removeprefix("\ufeff") if text.strip() else True


def test_half_of_a_surrogate_pair_is_replaced():
    assert read_text("a\ud83db") == "a?b"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty"),
        ("", "empty"),
        (" \n\t\n", "empty"),
        (codecs.BOM_UTF8, "empty"),
        (codecs.BOM_UTF16_LE, "empty"),
        (b"a\0b", "zero"),
        ("a\0b", "zero"),
        (SAID.encode("utf-16-le"), "save it as UTF-8"),
        (np.random.default_rng(0).integers(1, 256, 4_000, np.uint8).tobytes(), "not text"),
        (codecs.BOM_UTF16_LE + b"\x00\xd8\x00", "(not text|zero)"),
        (None, "NoneType"),
        (3, "int"),
    ],
)
def test_what_is_no_text(content: object, reason: str):
    with pytest.raises(BadRecord, match=reason):
        read_text(content)


def test_files_that_cannot_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "broken.txt").symlink_to(tmp_path / "gone.txt")
    (tmp_path / "folder.txt").mkdir()
    (tmp_path / "large.txt").write_text("many words")
    monkeypatch.setattr(text_reading, "_LARGEST", 5)
    for name, reason in (("broken", "cannot be read"), ("folder", "(cannot be read|larger)"), ("large", "larger")):
        with pytest.raises(BadRecord, match=reason):
            read_text(tmp_path / f"{name}.txt")


@given(st.text(st.sampled_from("ab \n猫"), min_size=1, max_size=2_000), st.integers(1, 40))
def test_stretches_hold_all_of_a_text(text: str, step: int):
    found = list(stretches(text, step))
    assert "".join(part.text for part in found) == text
    for part in found:
        assert part.starts[0] == 0
        assert all(a < b < len(part.text) for a, b in pairwise(part.starts))
        gaps = np.diff([*part.starts, len(part.text)])
        assert gaps.max() <= 2 * step + 1
    assert sum(len(part.starts) for part in found) <= 1 + 3 * len(text) / step


def test_passages_begin_where_lines_do():
    text = "".join(f"line {i}\n" for i in range(5_000))
    for part in stretches(text):
        assert all(part.text[start:].startswith("line ") for start in part.starts)


def test_a_text_without_lines_is_cut_anyway():
    parts = list(stretches("x" * 2_000_000))
    assert sum(len(part.starts) for part in parts) == pytest.approx(2_000_000 / 2048, abs=1)
    assert len(parts) >= 32


def test_a_short_text_is_one_passage():
    assert [part.starts for part in stretches("a" * 3_000)] == [(0,)]
    assert len(list(stretches("a" * 3_100))) == 2
