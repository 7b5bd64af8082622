"""What the page shows of a table, and that no cell can break out of it."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from people import people, real, seen
from test_page import ATTACK, REPORT, Outline

from anew.evaluation.anonymity import beside_real
from anew.evaluation.examples import Examples, Real
from anew.evaluation.page import Pictures, render
from anew.evaluation.tables import BARS, COLUMNS, HEIGHT, HISTOGRAMS, LETTERS, ROWS, WIDTH, Sheet, sheet

REAL, SAMPLES = real(), seen(people(9))
PAIRS: list[dict[str, Any]] = [
    {"sample": 7, "train": 3, "distance": 0.0, "near": True},
    {"sample": 1, "train": 2, "distance": 0.5, "near": False},
]


def shown(generated: Examples = SAMPLES, truth: Real = REAL) -> Sheet:
    found = sheet(generated, truth, PAIRS)
    assert found is not None
    return found


def page(of: Sheet, **changes: Any) -> str:
    return render(replace(REPORT, pairs=PAIRS, **changes).to_json(), Pictures(sheet=of))


def test_rows_are_shown_beside_real_ones() -> None:
    found = shown()
    assert (len(found.generated), len(found.real), found.more) == (ROWS, ROWS, 0)
    first = people(9).iloc[0]
    texts = [cell.text for cell in found.generated[0]]
    assert texts[:2] == [first["kind"], f"{first['age']:.0f}"]
    assert texts[3] == str(first["born"].date())
    missing = people(9)["pay"].isna()[:ROWS]
    assert [row[4].text == "–" for row in found.generated] == missing.tolist()


def test_pairs_mark_the_cells_that_differ() -> None:
    sample, train = people(9).iloc[7], people(0, 4_000).iloc[3]
    one, other = shown().pairs[0]
    differ = [not (pd.isna(a) and pd.isna(b)) and (pd.isna(a) or pd.isna(b) or a != b) for a, b in zip(sample, train)]
    assert [cell.differs for cell in one] == [cell.differs for cell in other] == differ
    assert any(differ)


def test_histograms_come_with_the_furthest_first() -> None:
    moved = people(9).assign(age=people(9)["age"] + 30)
    first, *others = shown(seen(moved)).histograms
    assert first.name == "age"
    distances = [float(one.distance.removesuffix(" %")) for one in (first, *others)]
    assert distances == sorted(distances, reverse=True)
    assert distances[0] > 50
    by_name = {one.name: one for one in (first, *others)}
    assert [bar.label for bar in by_name["kind"].bars] == ["a", "b", "c"]
    assert max(max(bar.real, bar.generated) for bar in by_name["kind"].bars) == 100
    assert re.fullmatch(r"\d+\.\d % missing, \d+\.\d % in real data", by_name["pay"].missing)
    assert by_name["born"].low.startswith("19")


def test_paths_of_histograms_stay_in_their_boxes() -> None:
    for column in shown().histograms:
        for path in filter(None, (column.real, column.generated)):
            numbers = [float(text) for text in re.findall(r"[\d.]+", path)]
            assert all(0 <= number <= max(WIDTH, HEIGHT) for number in numbers)
            assert path.endswith(f"H{WIDTH:.1f}V{HEIGHT}")


def test_what_is_large_is_cut() -> None:
    wide = pd.DataFrame(np.random.default_rng(0).normal(size=(100, 60)), columns=[f"c{i}" for i in range(60)])
    wide.insert(0, "text", ["x" * 10_000 if i % 2 else f"{i}" for i in range(100)])
    side = Examples({"view": wide[["c0"]].to_numpy()}, table=wide)
    found = shown(side, Real(side, side, side, side))
    assert len(found.names) == COLUMNS
    assert found.more == 61 - COLUMNS
    assert len(found.histograms) == HISTOGRAMS
    assert max(len(cell.text) for row in found.generated for cell in row) == LETTERS
    bars = next(column.bars for column in found.histograms if column.name == "text")
    assert len(bars) == BARS + 1
    assert bars[-1].label == "others"
    assert "And 31 columns more." in page(found)
    assert len(page(found)) < 200_000


@pytest.mark.parametrize("column", [np.full(100, np.nan), np.full(100, 3.0), [None] * 100, [np.inf, 1.0] * 50])
def test_columns_that_do_not_vary_are_shown(column: Any) -> None:
    table = pd.DataFrame({"odd": column, "x": np.arange(100.0)})
    side = Examples({"view": table[["x"]].to_numpy()}, table=table)
    text = page(shown(side, Real(side, side, side, side)))
    assert "odd" in text
    assert not re.search(r"[>,VH]nan", text)


def test_no_cell_and_no_name_becomes_markup() -> None:
    attacked = people(9).rename(columns={"kind": ATTACK}).assign(town=ATTACK)
    attacked[ATTACK] = ATTACK
    side = seen(attacked)
    truth = Real(side, side, side, side)
    found = beside_real(side, truth, [ATTACK], "town")
    text = page(shown(side, truth), anonymity=found, columns={ATTACK: 0.5})
    assert "script" not in Outline(text).tags
    assert ATTACK in Outline(text).text
    assert '("x")' not in text


def test_the_page_is_whole_and_loads_nothing() -> None:
    found = page(shown(), anonymity=beside_real(SAMPLES, REAL, ["kind"], "town"))
    outline = Outline(found)
    assert outline.open == []
    assert outline.links == []
    assert not {"script", "link", "iframe", "img"} & set(outline.tags)
    for piece in ("Rows", "Columns", "Closest pairs", "exact copy of", "Anonymity", "no guarantee", "town"):
        assert piece in outline.text, piece
    assert not re.search(r"https?:|url\(|@import|//\w", found)


def test_what_is_no_table_has_no_sheet() -> None:
    side = Examples({"view": people(0)[["age"]].to_numpy()})
    assert sheet(side, Real(side, side, side, side), []) is None
