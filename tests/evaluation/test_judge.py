"""Samples from anywhere get a card: honest ones, copies, other kinds, too few."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_digits

import anew
from anew.codecs.image import features as image_features
from anew.errors import AnewError
from anew.evaluation.report import Report
from anew.evaluation.row import Row

DIGITS = load_digits()


@pytest.fixture(scope="module", autouse=True)
def quick_views() -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(image_features, "_STEPS", 60)
        yield


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Digits as files: 600 that were learned from, 500 held out, and as samples 400 others and 400 of those learned."""
    root = tmp_path_factory.mktemp("digits")
    order = np.random.default_rng(0).permutation(len(DIGITS.images))
    parts = {"real": order[:600], "held out": order[600:1100], "honest": order[1100:1500], "copies": order[:400]}
    for name, rows in parts.items():
        for row in rows:
            path = root / name / str(DIGITS.target[row]) / f"{row}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray((DIGITS.images[row] * 15.9).astype(np.uint8)).save(path)
    return root


def judged(folder: Path, generated: str, out: Path, **more: Any) -> Report:
    sources = {"real": folder / "real", "held_out": folder / "held out"} | more
    return anew.judge(folder / generated, out=out, quick=True, **sources)


def row(report: Report, key: str) -> Row:
    return next(row for row in report.rows if row.key == key)


def test_honest_samples_are_as_good_as_real(folder: Path, tmp_path: Path) -> None:
    report = judged(folder, "honest", tmp_path, given=["label"])
    assert [found.key for found in report.rows if found.is_worse] == []
    assert row(report, "obeys").value is not None
    assert report.trust["examples"] == {"train": 600, "validation": 250, "test": 250}
    assert (tmp_path / "report.html").exists()
    assert Report.loads((tmp_path / "report.json").read_text()).verdict == report.verdict


def test_copies_raise_the_alarm(folder: Path, tmp_path: Path) -> None:
    report = judged(folder, "copies", tmp_path)
    assert row(report, "exact").value.value == 1  # type: ignore[union-attr]
    assert all(row(report, key).is_worse for key in ("copying", "duplicates", "exact", "membership"))
    assert "training data is being copied" in report.verdict


def test_without_held_out_data_a_part_of_the_real_ones_stands_in(folder: Path, tmp_path: Path) -> None:
    report = anew.judge(folder / "honest", folder / "real", tmp_path, quick=True)
    assert sum(report.trust["examples"].values()) == 600


@pytest.mark.slow
def test_a_model_that_was_left_to_learn_fifty_pictures_by_heart_raises_the_alarm(folder: Path, tmp_path: Path) -> None:
    for file in sorted((folder / "real").rglob("*.png"))[::12]:
        (tmp_path / "fifty").mkdir(exist_ok=True)
        shutil.copy(file, tmp_path / "fifty")
    settings = {"guard": False, "lr": 2e-3}
    run = anew.train(
        tmp_path / "fifty", "flow_matching", size=1, examples=20_000, settings=settings, out=tmp_path / "run"
    )
    run.sample(300).save(tmp_path / "samples")
    report = judged(tmp_path, "samples", tmp_path / "card", real=tmp_path / "fifty", held_out=folder / "held out")
    assert row(report, "duplicates").is_worse
    assert row(report, "copying").is_worse
    assert "training data is being copied" in report.verdict


@pytest.mark.parametrize(
    ("generated", "given", "message"),
    [
        ("few", [], "'few' has 3 usable image records; 20 are needed"),
        ("table.parquet", [], "is of the kind|there is no|cannot"),
        ("flat", ["label"], "'flat' does not say what 'label' is"),
        ("no such", [], "there is no file or folder"),
    ],
)
def test_bad_samples_are_an_error(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, generated: str, given: list[str], message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    files = sorted((folder / "honest").rglob("*.png"))
    for name, count in (("few", 3), ("flat", 40)):
        (tmp_path / name).mkdir()
        for file in files[:count]:
            shutil.copy(file, tmp_path / name)
    with pytest.raises(AnewError, match=message):
        anew.judge(generated, folder / "real", "out", given=given, quick=True)
    assert not (tmp_path / "out" / "report.html").exists()


def test_a_card_of_next_to_nothing_is_refused(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(AnewError, match="a card of 3 samples says nothing; compare 20 or more"):
        anew.judge(folder / "honest", folder / "real", tmp_path, n=3)
