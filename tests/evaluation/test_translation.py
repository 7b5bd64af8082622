"""How near answers are to the real ones."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import anew
from anew.evaluation.translation import answers, chrf, translation, unseen
from anew.run import Run


@pytest.mark.parametrize(
    ("made", "real", "expected"),  # what sacrebleu says: sentence_chrf(made, [real]).score / 100
    [
        ("The cat sat on the mat.", "The cat is sitting on the mat.", 0.496485),
        ("Das ist ein Haus", "Dies ist das alte Haus am See", 0.215545),
        ("7. Mai 2031", "17. Mai 2013", 0.627356),
        ("猫坐在垫子上。", "猫在垫子上坐着。", 0.315335),
        ("ab", "abc", 0.636364),
    ],
)
def test_the_score_of_popovic(made: str, real: str, expected: float):
    assert chrf(made, real) == pytest.approx(expected, abs=1e-4)


@given(st.text(max_size=40), st.text(max_size=40))
def test_it_is_a_share(made: str, real: str):
    assert 0 <= chrf(made, real) <= 1
    if "".join(real.split()):
        assert chrf(real, f" {real}\n") == pytest.approx(1)


def test_nothing_in_common():
    assert chrf("", "") == chrf("a", "") == chrf("", "a") == chrf("abc", "xyz") == 0


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Hardly trained."""
    folder = tmp_path_factory.mktemp("pairs")
    (folder / "x.src").write_text("".join(f"number {i}\n" for i in range(300)))
    (folder / "x.tgt").write_text("".join(f"Nummer {i}\n" for i in range(300)))
    options = {"size": "1", "examples": 64, "settings": {"width": "64", "layers": "1"}, "precision": "fp32"}
    return anew.train(folder / "x.tgt", given=("source",), out=folder / "run", **options)


def test_a_run_is_asked_what_was_held_out(run: Run):
    test = run.open_data().test
    batch = test.batch(torch.arange(len(test)))
    near, same = translation(run, batch)
    assert (near.key, same.key) == ("chrf", "answered")
    assert near.value is not None
    assert near.ceiling is not None
    assert near.value.n == same.value.n == len(batch.x)
    assert near.ceiling.value > 0.3, "Nummer is in all of them"
    assert same.value.value < 1
    assert answers(run, batch.given) == answers(run, batch.given)


def test_the_card_is_of_answers_to_what_was_held_out(run: Run):
    test = run.open_data().test
    batch = test.batch(torch.arange(3))
    samples = unseen(run, batch, 5)
    assert samples is not None
    assert len(samples) == len(samples.given) == 5
    said = [row["source"] for row in samples.given]
    assert said == [*said[:3], *said[:2]]
    report = run.report(quick=True)
    found = {row.key: row for row in report.rows}
    assert {"chrf", "answered", "traits"} <= found.keys()


def test_runs_that_are_given_no_text_are_not_asked(tmp_path: Path):
    digits = anew.train("digits", given=("label",), examples=32, size="1", out=tmp_path, precision="fp32", model="vae")
    assert translation(digits, digits.open_data().test.batch(torch.arange(4))) == []
    assert unseen(digits, digits.open_data().test.batch(torch.arange(4)), 4) is None
