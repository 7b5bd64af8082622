"""The page and the comparison: what they show, that they load nothing, and that no name can break out."""

from __future__ import annotations

import io
import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest
from PIL import Image

from anew.evaluation.cost import cost
from anew.evaluation.groups import Group
from anew.evaluation.page import (
    CURVE_HEIGHT,
    CURVE_WIDTH,
    POINTS,
    Pictures,
    bar,
    curves,
    render,
    render_comparison,
    standings,
    tone,
)
from anew.evaluation.report import Report
from anew.evaluation.row import INCONCLUSIVE, Row
from anew.evaluation.value import Value

ATTACK = '<script>alert("x")</script>'


def png(width: int = 8) -> bytes:
    file = io.BytesIO()
    Image.new("L", (width, 8)).save(file, "PNG")
    return file.getvalue()


def row(middle: float | None, half: float = 0.05, key: str = "told_apart", better: str = "low") -> Row:
    ends = Value(0.1, 0.05, 0.15, 100), Value(0.9, 0.85, 0.95, 100)
    floor, ceiling = ends if better == "low" else ends[::-1]
    value = None if middle is None else Value(middle, middle - half, middle + half, 1234)
    return Row(key, f"Title of {key}", "Question?", "", value, floor, ceiling, better, note="A note.").judged()  # type: ignore[arg-type]


REPORT = Report(
    name="my-run",
    verdict="Samples can be told apart.",
    rows=[
        *(row(0.3), row(0.7, key="fidelity", better="high"), row(0.4, key="legacy/frechet")),
        *cost({"parameters": 2_140_345}),
    ],
    groups=[Group("label 7", 55, [row(0.2, key="fidelity"), row(None, key="coverage")])],
    run={"model": "gan, size s", "given": ""},
    trust={"examples": {"train": 100, "test": 10}, "seed": 3, "inconclusive": []},
    curves=[{"examples": i, "loss": 1 / i} for i in range(1, 50)],
    pairs=[
        {"sample": 1, "train": 2, "distance": 0.0, "near": True},
        {"sample": 5, "train": 6, "distance": 0.25, "near": True},
        {"sample": 3, "train": 4, "distance": 1.5, "near": False},
    ],
    guard=[{"examples": 17280, "signal": "mode collapse", "saw": "samples are few", "did": "went back"}],
    commands=["anew report runs/my-run"],
)
PICTURES = Pictures(png(), png(900), [(png(), png())] * 3)


class Outline(HTMLParser):
    """Collects the tags, the links and the text, and checks that tags are closed in order."""

    VOID = ("meta", "img", "br", "polyline")

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [value or "" for name, value in attrs if name in ("src", "href", "srcset", "data", "action")]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in self.VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.fixture(scope="module")
def page() -> str:
    return render(REPORT.to_json(), PICTURES)


@pytest.fixture(scope="module")
def comparison() -> str:
    other = replace(REPORT, name="other-run", rows=[row(0.6), row(0.75, key="coverage", better="high")])
    return render_comparison([REPORT.to_json(), other.to_json()], [PICTURES, Pictures(png())])


def test_the_page_shows_what_the_report_knows(page: str) -> None:
    text = Outline(page).text.replace("\N{NO-BREAK SPACE}", " ")
    for piece in (
        *("my-run", "Samples can be told apart.", "gan, size s", "Title of told_apart", "A note.", "real data 0.10"),
        *("baseline 0.90", "0.25 to 0.35, n = 1,234", "75 % of the way to real data", "exact copy", "near copy"),
        *("0.250", "1.50", "loss", "49 examples", "2,140,345", "train 100, test 10", "anew report runs/my-run"),
        *("After 17,280 examples", "Samples are few; went back.", "label 7", "n = 55", "Title of legacy/frechet"),
    ):
        assert piece in text, piece
    assert page.count(">near copy<") == page.count(">exact copy<") == 1
    assert "Given" not in text  # facts that are empty are left out


def test_the_verdict_comes_first(page: str) -> None:
    texts = "Samples can be told apart.", ">Samples<", "Title of told_apart", "Title of legacy/frechet", "How to"
    order = [page.index(text) for text in texts]
    assert order == sorted(order)


@pytest.mark.parametrize("which", ["page", "comparison"])
def test_pages_are_whole_and_load_nothing(which: str, request: pytest.FixtureRequest) -> None:
    found = request.getfixturevalue(which)
    outline = Outline(found)
    assert outline.open == []
    assert outline.links
    assert all(link.startswith("data:image/png;base64,") for link in outline.links)
    assert not {"script", "link", "iframe", "object", "form", "base"} & set(outline.tags)
    assert not re.search(r"https?:|url\(|@import|//\w", re.sub(r"base64,[^\"]*", "", found))


def test_no_text_of_the_user_becomes_markup() -> None:
    attacked = Report(
        name=ATTACK,
        verdict=ATTACK,
        rows=[replace(row(0.3), title=ATTACK, note=ATTACK, question=ATTACK)],
        groups=[Group(ATTACK, 5, [replace(row(0.3), title=ATTACK)])],
        run={ATTACK: ATTACK},
        trust={"views": [ATTACK]},
        curves=[{"examples": 1, ATTACK: 1.0}, {"examples": 2, ATTACK: 2.0}],
        commands=[ATTACK],
    ).to_json()
    for page in (render(attacked, PICTURES), render_comparison([attacked, attacked], [PICTURES, PICTURES])):
        assert "script" not in Outline(page).tags
        assert ATTACK in Outline(page).text
        assert '("x")' not in page


def test_a_report_with_next_to_nothing_still_renders() -> None:
    empty = Report(name="bare", verdict="Nothing.", rows=[replace(row(None), floor=None, ceiling=None)]).to_json()
    for page in (render(empty), render_comparison([empty, empty])):
        assert "bare" in page
        assert "<img" not in page
    assert INCONCLUSIVE in render(empty)


def test_small_pictures_keep_hard_edges(page: str) -> None:
    assert page.count('class="small"') == 1 + 2 * len(PICTURES.pairs)
    assert page.count('class="large"') == 1


# --- bars, tones and curves


def test_a_bar_runs_from_real_data_to_the_baseline() -> None:
    assert [found.value for at in (0.1, 0.5, 0.9) if (found := bar(row(at)))] == [8, 50, 92]
    middle = bar(row(0.5))
    assert middle is not None
    left, width = middle.interval
    assert left == pytest.approx(50 - 84 * 0.05 / 0.8, abs=0.02)
    assert left + width / 2 == pytest.approx(50, abs=0.02)
    assert middle.floor[0] < 8 < sum(middle.floor) < middle.ceiling[0] < 92 < sum(middle.ceiling)


def test_a_bar_of_a_row_that_is_better_high_runs_the_same_way() -> None:
    assert [found.value for at in (0.9, 0.1) if (found := bar(row(at, better="high")))] == [8, 92]


@pytest.mark.parametrize("at", [-50.0, 50.0])
def test_a_bar_never_leaves_its_track(at: float) -> None:
    found = bar(row(at, half=100))
    assert found
    assert 0 <= found.interval[0] <= sum(found.interval) <= 100
    assert 0 <= found.value <= 100


def test_there_is_no_bar_without_two_ends_in_order() -> None:
    good = row(0.5)
    assert bar(replace(good, value=None)) is None
    assert bar(replace(good, floor=None)) is None
    assert bar(replace(good, floor=good.ceiling, ceiling=good.floor)) is None
    assert bar(replace(good, ceiling=good.floor)) is None


@pytest.mark.parametrize(
    ("found", "colour"),
    [
        (row(0.1), "good"),
        (row(0.5), "fair"),
        (row(0.9), "bad"),
        (row(None), "unknown"),
        (replace(row(0.5), verdict="copies of training data"), "bad"),
        (replace(row(0.5), verdict="no sign of copying"), "good"),
        (replace(row(0.5), floor=None, verdict="exact"), "unknown"),
        (replace(row(0.5), floor=None, verdict="no better than the baseline"), "bad"),
    ],
)
def test_a_verdict_has_a_colour(found: Row, colour: str) -> None:
    assert tone(found) == colour


def test_texts_are_read_and_not_looked_at() -> None:
    long = "cats & dogs " * 100
    page = render(REPORT.to_json(), Pictures(["<b>once</b>", long], ["upon a time"], [(["once"], ["upon"])]))
    assert "<img" not in page
    assert "<pre>&lt;b&gt;once&lt;/b&gt;</pre>" in page
    assert "<pre>upon a time</pre>" in page
    assert long not in page
    assert "cats &amp; dogs" in page
    assert 'class="pairs long"' in page


def test_a_curve_fits_its_panel_and_is_thinned_out() -> None:
    records = [{"examples": float(i), "loss": np.sin(i / 500), "rate": 1.0} for i in range(2_000)]
    loss, rate = curves(records)
    points = np.array([[float(c) for c in point.split(",")] for point in loss.points.split()])
    assert len(points) == POINTS
    assert (points.min(0) == 0).all()
    assert points.max(0) == pytest.approx([CURVE_WIDTH, CURVE_HEIGHT])
    assert points[np.argmin(points[:, 1]), 0] == pytest.approx(CURVE_WIDTH * 500 * np.pi / 2 / 2000, rel=0.02)
    assert (rate.low, rate.high) == ("1", "1")


def test_curves_skip_what_is_missing_or_not_finite() -> None:
    records = [{"examples": 1, "loss": 1.0}, {"examples": 2, "loss": None}, {"examples": 3, "loss": float("nan")}]
    assert curves(records) == []
    (curve,) = curves([*records, {"examples": 4, "loss": 3.0, "other": 1.0}, {"loss": 9.0}])
    assert (curve.name, curve.low, curve.high, curve.first, curve.examples) == ("loss", "1", "3", "1", "4")


# --- comparison


@pytest.mark.parametrize(
    ("rows", "marks"),
    [
        ([row(0.2), row(0.6)], ["best", ""]),
        ([row(0.6), row(0.2)], ["", "best"]),
        ([row(0.2), row(0.6, better="high")], ["best", ""]),
        ([row(0.2, better="high"), row(0.6, better="high")], ["", "best"]),
        ([row(0.2), row(0.25), row(0.6)], ["tie", "tie", ""]),
        ([row(0.2), None, row(0.6)], ["best", "", ""]),
        ([row(0.2), row(None)], ["", ""]),
        (cost({"parameters": 1}) + cost({"parameters": 2}), ["", ""]),
    ],
)
def test_the_best_is_marked_unless_others_tie(rows: list[Row | None], marks: list[str]) -> None:
    assert [mark for _, mark in standings(rows)] == marks


def test_the_comparison_has_all_runs_and_rows(comparison: str) -> None:
    text = Outline(comparison).text
    for piece in ("2 runs", "my-run", "other-run", "Title of told_apart", "Title of fidelity", "Title of coverage"):
        assert piece in text
    assert text.count("not measured") == 4  # fidelity and cost of one run, coverage of the other
    assert re.search(r'class="best"><span class="number">0.30', comparison)
    assert "Real data" in text


def test_marked_rows_of_a_comparison_are_ties_where_intervals_overlap() -> None:
    tied = render_comparison([REPORT.to_json(), replace(REPORT, rows=[row(0.32)]).to_json()])
    assert tied.count('<td class="tie">') == 2
    assert '<td class="best">' not in tied
