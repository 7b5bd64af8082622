"""The card finds out every impostor, on pictures and on a table, and says which row cannot tell."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from anew.codecs import make_codec
from anew.codecs.dataset import Dataset, prepare
from anew.codecs.image import features as image_features
from anew.errors import AnewError
from anew.evaluation.selftest import FAILED, PASSED, SelfTest, selftest
from anew.sources import Record, Source, open_source


class Rows(Source):
    """A made-up shop: three kinds of customers, of whom one number follows from two others."""

    name = location = "shop"
    codec = "labels"

    def __init__(self, n: int):
        self.n = n

    @classmethod
    def accepts(cls, location: str) -> bool:
        return bool(location)

    def __len__(self) -> int:
        return self.n

    def fingerprint(self) -> str:
        return f"shop of {self.n}"

    def __iter__(self) -> Iterator[Record]:
        rng = np.random.default_rng(0)
        for i in range(self.n):
            kind = rng.integers(0, 3)
            age, visits = rng.normal(30 + 12 * kind, 4), rng.normal(10 * kind, 2)
            row: dict[str, Any] = {
                "age": age,
                "visits": visits,
                "spent": 5 * age - 3 * visits + rng.normal(),
                "one": 1.0,
            }
            town = ["Ulm", "Köln", "北京"][(kind + (rng.random() < 0.1)) % 3]
            yield Record(row | {"town": town}, {"kind": "abc"[kind]}, f"row {i}")


def table(n: int, given: tuple[str, ...] = ()) -> Dataset:
    return prepare(Rows(n), make_codec("labels", {"columns": "age,visits,spent,one,town"}), given)


def outcomes(found: SelfTest) -> dict[tuple[str, str], str]:
    return {(check.impostor, check.row): check.outcome for check in found.checks}


@pytest.mark.parametrize("given", [(), ("kind",)])
def test_a_table_passes(given: tuple[str, ...], tmp_path: Path) -> None:
    found = selftest(table(4000, given), tmp_path, quick=True)
    assert found.passed, [check for check in found.checks if check.outcome == FAILED]
    seen = outcomes(found)
    for row in ("Excess copies", "Near duplicates", "Exact copies", "Membership", "Recognised"):
        assert seen["copies", row] == PASSED
    for check in [("half of it", "Coverage"), ("noise", "Fidelity"), ("independent values", "Told apart")]:
        assert seen[check] == PASSED


def test_digits_pass_and_what_is_written_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(image_features, "_STEPS", 60)
    source = open_source("digits")
    found = selftest(prepare(source, make_codec(source.codec, {}), ("label",)), tmp_path, quick=True)
    assert found.passed, [check for check in found.checks if check.outcome == FAILED]
    assert outcomes(found)["copies", "Membership"] == PASSED
    written = json.loads((tmp_path / "selftest.json").read_text())["checks"]
    assert len(written) == len(found.checks)
    page = (tmp_path / "selftest.html").read_text(encoding="utf-8")
    assert all(name in page for name in ("Self-test", "unseen data", "copies", "half of it", "noise"))


def test_too_few_examples_are_an_error(tmp_path: Path) -> None:
    with pytest.raises(AnewError, match="a self-test needs 60 training examples"):
        selftest(table(40), tmp_path)
