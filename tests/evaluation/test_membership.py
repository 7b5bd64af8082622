"""Attacks find training data that was handed out, and nobody in honest samples."""

from __future__ import annotations

import numpy as np
from gaussians import gaussian

from anew.evaluation.membership import Strongest, attack, strongest


def attacked(samples: np.ndarray, seed: int = 0) -> Strongest:
    """Members are the first 200 of 400 training examples."""
    train, others = gaussian(100 + seed, 400), gaussian(200 + seed, 200)
    members, outside = (attack(x, samples, train[200:]) for x in (train[:200], others))
    return strongest(members, outside, seed)


def test_honest_samples_give_nobody_away() -> None:
    found = [attacked(gaussian(s, 300), s) for s in range(20)]
    assert sum(one.auc.low > 0.5 for one in found) <= 2
    assert abs(np.mean([one.auc.value for one in found]) - 0.5) < 0.02
    assert np.mean([one.hits.value for one in found]) < 0.03


def test_copies_give_away_who_was_copied() -> None:
    train = gaussian(100, 400)
    found = attacked(np.concatenate([train[:200], gaussian(5, 100)]))
    assert found.auc.value > 0.99
    assert found.hits.value > 0.95


def test_a_leak_of_a_tenth_is_seen_at_few_false_alarms() -> None:
    """It is the reason for this row: the AUC hardly moves."""
    train = gaussian(100, 400)
    found = attacked(np.concatenate([train[:20], gaussian(5, 280)]))
    assert found.auc.value < 0.62
    assert found.hits.low > 0.03


def test_the_loss_is_an_attack_too_and_the_strongest_counts() -> None:
    rng = np.random.default_rng(0)
    guess, strong = rng.normal(size=(2, 300)), rng.normal(size=(2, 300)) + np.array([[2], [0]])
    found = strongest({"guess": guess[0], "loss": strong[0]}, {"guess": guess[1], "loss": strong[1]})
    assert found.auc.value > 0.85
    assert found.auc.n == 300


def test_the_choice_of_the_strongest_does_not_flatter_it() -> None:
    """Fifty attacks that all guess: chosen and scored on the same examples, the best would be well above 0.5."""
    rng = np.random.default_rng(1)
    scores = [{str(i): rng.normal(size=200) for i in range(50)} for _ in range(2)]
    found = strongest(*scores)
    assert found.auc.low <= 0.5 <= found.auc.high
