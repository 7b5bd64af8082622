"""The longest runs of codes that samples share with training examples, beside looking for them letter by letter."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import anew
from anew.evaluation import card
from anew.evaluation.examples import Examples, Real
from anew.evaluation.spans import Runs, longest

rows = st.lists(st.lists(st.integers(1, 3), max_size=12), min_size=1, max_size=5)


def padded(lists: list[list[int]], length: int = 12) -> np.ndarray:
    return np.array([row + [0] * (length - len(row)) for row in lists], np.int16)


def by_hand(sample: list[int], train: list[list[int]]) -> int:
    runs = [sample[a:b] for a in range(len(sample)) for b in range(a + 1, len(sample) + 1)]
    stand = [run for run in runs if any(run == row[i : i + len(run)] for row in train for i in range(len(row)))]
    return max(map(len, stand), default=0)


@settings(deadline=None, max_examples=50)
@given(rows, rows)
def test_they_are_as_long_as_they_are(samples: list[list[int]], train: list[list[int]]):
    lengths, best = longest(padded(samples), Runs(padded(train)))
    assert lengths.tolist() == [by_hand(sample, train) for sample in samples]
    assert (best.length if best else 0) == lengths.max()
    if best:
        (i, a), (j, b) = best.sample, best.train
        assert samples[i][a : a + best.length] == train[j][b : b + best.length]


def test_hashes_that_collide_are_found_out(monkeypatch: pytest.MonkeyPatch):
    """Nothing is claimed that the codes do not say."""
    monkeypatch.setattr(Runs, "hashes", lambda self, starts, length: np.zeros(len(starts), np.uint64))
    lengths, best = longest(padded([[1, 2, 3]]), Runs(padded([[3, 2, 1]])))
    assert (lengths.tolist(), best) == ([0], None)


def test_the_longest_is_said_in_words():
    rng = np.random.default_rng(0)
    parts = [rng.integers(97, 123, (n, 30)) for n in (200, 60, 60, 60)]
    sets = [Examples({"view": codes.astype(float)}, codes=codes) for codes in parts]
    real = Real(*sets, say=lambda codes: bytes(codes.tolist()).decode())
    copied = rng.integers(97, 123, (60, 30))
    copied[7, 3:25] = parts[0][11, 5:27]
    (row,) = card.measure(Examples({"view": copied.astype(float)}, codes=copied), real, ["spans"])
    assert f'The longest has 22 codes: "{bytes(parts[0][11, 5:27].tolist()).decode()}".' in row.note
    assert row.text(row.value.value).endswith("codes")


def test_texts_of_files_are_judged(tmp_path: Path):
    lines = [f"Line {i} says {i * i} and {i * 7919 % 1000}.\n" for i in range(400)]
    (tmp_path / "real").mkdir()
    (tmp_path / "made").mkdir()
    for i, line in enumerate(lines):
        (tmp_path / "real" / f"{i}.txt").write_text(line)
    for i in range(30):
        (tmp_path / "made" / f"{i}.txt").write_text(lines[i] if i % 2 else f"Line {i} says 猫 {i}.\n")
    report = anew.judge(tmp_path / "made", tmp_path / "real", tmp_path / "card", quick=True)
    found = {row.key: row for row in report.rows}
    assert found["self_bleu"].value is not None
    assert "The longest has" in found["spans"].note
    assert "says" in found["spans"].note
