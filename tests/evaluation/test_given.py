"""Do samples obey, are they worth training on, and how are single groups doing?"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from anew.codecs.labels import LabelCodec, LabelOptions
from anew.evaluation import card
from anew.evaluation.examples import Examples, Real
from anew.evaluation.groups import groups
from anew.evaluation.predict import predictor, score
from anew.evaluation.row import Row
from anew.spaces import Field

LABEL, SIZE = Field("label", 3), Field("size")


def drawn(seed: int, n: int = 300) -> Examples:
    rng = np.random.default_rng(seed)
    label, size = rng.integers(0, 3, n), rng.normal(size=n)
    x = np.c_[5 * np.eye(3)[label], size] + 0.3 * rng.normal(size=(n, 4))
    return Examples({"view": x}, {"label": label.astype(float), "size": size})


def real(*fields: Field) -> Real:
    return Real(drawn(0, 900), drawn(1, 400), drawn(2, 400), drawn(3, 400), fields)


def value(samples: Examples, key: str, *fields: Field) -> float:
    row = next(row for row in card.measure(samples, real(*fields), [key]) if row.key == key)
    assert row.value is not None
    return row.value.value


@pytest.mark.parametrize("key", ["obeys", "useful"])
def test_samples_that_do_not_listen_are_found_out(key: str) -> None:
    good = drawn(4)
    deaf = replace(good, given={name: np.roll(column, 7) for name, column in good.given.items()})
    assert value(good, key, LABEL) > 0.97
    assert value(good, key, SIZE) > 0.9
    assert value(deaf, key, LABEL) < 0.6
    assert abs(value(deaf, key, SIZE)) < 0.3
    assert value(good, key, LABEL, SIZE) == min(value(good, key, LABEL), value(good, key, SIZE))


def test_half_that_listen_are_half() -> None:
    good = drawn(4)
    labels = good.given["label"].copy()
    labels[:150] = (labels[:150] + 1) % 3
    assert value(replace(good, given={"label": labels}), "obeys", LABEL) == pytest.approx(0.5, abs=0.02)


def test_what_is_not_known_is_not_scored() -> None:
    good = drawn(4)
    labels = good.given["label"].copy()
    labels[:150] = np.nan
    assert value(replace(good, given={"label": labels}), "obeys", LABEL) > 0.97
    nothing = replace(good, given={"label": np.full(300, np.nan)})
    assert [row.value for row in card.measure(nothing, real(LABEL), ["obeys", "useful"])] == [None, None]


def test_one_category_alone_cannot_be_predicted() -> None:
    assert predictor(LABEL, drawn(0).views["view"], np.zeros(300)) is None
    assert score(LABEL, np.zeros(5), np.zeros(5)) is None
    constant = score(SIZE, np.zeros(50), np.arange(50.0))
    assert constant is not None
    assert constant.value == 0


@pytest.fixture(scope="module")
def codec() -> LabelCodec:
    codec = LabelCodec(LabelOptions(("size", "label")))
    codec.fit([{"label": name, "size": float(i)} for i, name in enumerate("abc")])
    return codec


def test_each_group_is_held_against_its_own(codec: LabelCodec) -> None:
    samples = drawn(4, 400)
    moved = samples.views["view"] + 9 * (samples.given["label"] == 1)[:, None]
    found = groups(replace(samples, views={"view": moved}), real(LABEL, SIZE), codec)
    assert [group.name for group in found] == ["label a", "label b", "label c"]
    assert all(100 <= group.n < 160 for group in found)
    fidelity = [_value(group.rows, "fidelity") for group in found]
    assert fidelity[1] == 0
    assert min(fidelity[0], fidelity[2]) > 0.85


def test_groups_of_too_few_and_samples_without_groups_are_left_out(codec: LabelCodec) -> None:
    samples = drawn(4, 400)
    few = samples.take(np.flatnonzero((samples.given["label"] != 2) | (np.arange(400) < 30)))
    assert [group.name for group in groups(few, real(LABEL, SIZE), codec)] == ["label a", "label b"]
    assert groups(replace(samples, given={}), real(LABEL, SIZE), codec) == []
    assert groups(samples, real(LABEL, SIZE), None) == []


def _value(rows: list[Row], key: str) -> float:
    found = next(row.value for row in rows if row.key == key)
    assert found is not None
    return found.value
