"""Every code block of the documentation runs, on a small folder of photos and with a small budget."""

from __future__ import annotations

import re
import shlex
import sys
from dataclasses import replace
from pathlib import Path

import networkx as nx
import numpy as np
import pandas as pd
import pytest
from PIL import Image

ROOT = Path(__file__).parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")])
TRANSLATED = ROOT / "README.zh-CN.md"  # whose code is README.md's
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")
FOLLOWING = ("sample.md", "report.md")  # pages that speak of runs that are there
ELSEWHERE = ("make", "git", "cd", "pip")  # commands that other tests and CI run


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to work in, with what the pages speak of in it, and a budget that none of them notices."""
    from anew.evaluation import gather
    from anew.evaluation.gather import Effort
    from anew.training import decide
    from anew.training.trainer import Plan

    within_budget = decide.Draft._within_budget

    def small(draft: decide.Draft, show: bool) -> Plan:
        draft.request, draft.minutes = replace(draft.request, examples=512, precision="fp32"), None
        return within_budget(draft, show)

    monkeypatch.setattr(decide.Draft, "_within_budget", small)
    monkeypatch.setattr(decide, "choose_size", lambda *_: 1)
    monkeypatch.setattr(gather, "FULL", Effort(30, 100))
    monkeypatch.chdir(tmp_path)
    _make_photos(tmp_path / "photos")
    _make_photos(tmp_path / "others")
    _make_mnist(tmp_path / "mnist")
    _make_people(tmp_path)
    _make_shop(tmp_path)
    _make_texts(tmp_path)
    _make_sketches(tmp_path / "sketches")
    _make_tunes(tmp_path / "tunes")
    _make_networks(tmp_path / "networks")
    return tmp_path


def _make_photos(folder: Path) -> None:
    rng = np.random.default_rng(0)
    for label, darkest in (("cat", 0), ("dog", 128)):
        (folder / label).mkdir(parents=True)
        for i in range(120):
            Image.fromarray(rng.integers(darkest, darkest + 128, (8, 8, 3), np.uint8)).save(folder / label / f"{i}.png")


def _make_people(folder: Path) -> None:
    """people.csv, and holes.csv, in which cells are missing."""
    rng = np.random.default_rng(0)
    n = 2_000  # fewer would drown in the noise of private training
    people = pd.DataFrame(
        {
            "age": rng.integers(17, 90, n),
            "sex": rng.choice(["Female", "Male"], n),
            "hours": rng.integers(10, 80, n),
            "zip": rng.integers(10_000, 99_999, n),
            "name": [f"person {i}" for i in range(n)],
            "diagnosis": rng.choice(["none", "flu", "cold"], n),
            "income": rng.choice(["<=50K", ">50K"], n),
        }
    )
    people.to_csv(folder / "people.csv", index=False)
    people.mask(rng.random(people.shape) < 0.2).to_csv(folder / "holes.csv", index=False)


def _make_shop(folder: Path) -> None:
    """customers.csv with their orders.csv, and visits.csv of patients."""
    rng = np.random.default_rng(0)
    customers = pd.DataFrame({"id": [f"C{i:03d}" for i in range(60)], "kind": rng.choice(["new", "old"], 60)})
    names = np.sort(rng.choice(customers["id"], 150))
    days = pd.date_range("2024-01-01", periods=150).strftime("%Y-%m-%d")
    orders = pd.DataFrame({"customer": names, "day": days, "price": rng.integers(1, 20, 150)})
    customers.to_csv(folder / "customers.csv", index=False)
    orders.to_csv(folder / "orders.csv", index=False)
    orders.rename(columns={"customer": "patient"}).to_csv(folder / "visits.csv", index=False)


def _make_texts(folder: Path) -> None:
    """Stories, code, a book in two languages, and what a mouse is."""
    (folder / "mouse.json").write_text('{"enum": ["mouse", {"tail": true}]}')
    for i in range(40):
        for name in (f"stories/{i}.txt", f"project/{i}.py"):
            (folder / name).parent.mkdir(exist_ok=True)
        (folder / f"stories/{i}.txt").write_text(f"Once upon a time there were {i} mice.\n", encoding="utf-8")
        code = f"def times_{i}(number):\n    result = {i} * number\n    return result\n"
        (folder / f"project/{i}.py").write_text(code, encoding="utf-8")
    (folder / "book.en").write_text("".join(f"Page {i}.\n" for i in range(60)), encoding="utf-8")
    (folder / "book.de").write_text("".join(f"Seite {i}.\n" for i in range(60)), encoding="utf-8")


def _make_sketches(folder: Path) -> None:
    """Levels with gaps."""
    folder.mkdir()
    for i in range(3):
        inside = "".join(f"#{'.?' * 4}.#\n" for _ in range(9))
        (folder / f"{i}.txt").write_text(f"{'#' * 11}\n{inside}{'#' * 11}\n")


def _make_tunes(folder: Path) -> None:
    """ABC, in two folders."""
    rng = np.random.default_rng(0)
    for label in ("waltz", "reel"):
        (folder / label).mkdir(parents=True)
        for i in range(20):
            notes = " ".join("CDEFGABc"[place] for place in rng.integers(0, 8, 12))
            (folder / label / f"{i}.abc").write_text(f"X:1\nM:3/4\nL:1/4\nK:C\n{notes}|\n")


def _make_networks(folder: Path) -> None:
    """GraphML."""
    folder.mkdir()
    for i in range(40):
        nx.write_graphml(nx.gnp_random_graph(6, 0.5, seed=i), folder / f"{i}.graphml")
    nx.write_graphml(nx.karate_club_graph(), folder.parent / "friends.graphml")
    (folder.parent / "begun").mkdir()
    for i in range(3):
        nx.write_graphml(nx.path_graph(3 + i), folder.parent / "begun" / f"{i}.graphml")


def _make_mnist(folder: Path) -> None:
    """idx files, as small as they may be."""
    folder.mkdir()
    rng = np.random.default_rng(0)
    pictures, labels = rng.integers(0, 256, (60, 28, 28), np.uint8), rng.integers(0, 10, 60).astype(np.uint8)
    for name, array in (("images-idx3", pictures), ("labels-idx1", labels)):
        header = bytes([0, 0, 8, array.ndim]) + b"".join(side.to_bytes(4, "big") for side in array.shape)
        (folder / f"train-{name}-ubyte").write_bytes(header + array.tobytes())


@pytest.mark.parametrize("page", [page for page in PAGES if page != TRANSLATED], ids=lambda page: page.name)
def test_code_blocks_run(page: Path, desk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if page.name in FOLLOWING:
        for out in ("runs/photos", "runs/cats"):
            _run(f"anew train photos --given label --out {out}", monkeypatch)
    for language, code in BLOCK.findall(page.read_text(encoding="utf-8")):
        if language == "python":
            exec(compile(code, page.name, "exec"), {"__name__": "__main__"})
        elif language == "bash":
            for line in code.splitlines():
                _run(line, monkeypatch)
        else:
            assert language == "text", f"{page.name}: who runs a block of {language}?"


def test_the_translation_has_the_same_code() -> None:
    assert _without_comments(TRANSLATED) == _without_comments(ROOT / "README.md")


def _without_comments(page: Path) -> list[str]:
    blocks = BLOCK.findall(page.read_text(encoding="utf-8"))
    return [re.sub(r" *#.*", "", line) for _, code in blocks for line in code.splitlines()]


def _run(line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from anew.cli import main

    words = shlex.split(line, comments=True)
    if not words or words[0] in ELSEWHERE:
        return
    assert words[0] == "anew", f"who runs '{line}'?"
    monkeypatch.setattr(sys, "argv", words)
    with pytest.raises(SystemExit) as end:
        main()
    assert not end.value.code, line


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    targets = [target for target in LINK.findall(page.read_text(encoding="utf-8")) if "://" not in target]
    missing = [target for target in targets if not (page.parent / target).exists()]
    assert not missing
