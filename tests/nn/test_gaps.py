"""Gaps in sequences: what is known stays, what is begun is whole, and what is not there is left out."""

from __future__ import annotations

import pytest
import torch

from anew.nn.gaps import Gaps, closing, gaps_of
from anew.nn.rules import Automaton

PAIRS = torch.tensor([[0, 1, -1], [-1, -1, 0]])  # 1 and 2 in turn; the end after a 2


def filled(known: list[list[int]], wanted: list[list[int]], rules: Gaps | None = None) -> list[list[int]]:
    """What comes of sequences of which these codes are wanted: the next one that is allowed, where it is not."""
    sequences, x = torch.tensor(known), torch.zeros(len(known), len(known[0]), dtype=torch.int64)
    rules = rules or gaps_of(Automaton(PAIRS, len(known)), sequences)
    for place in range(x.shape[1]):
        allowed = rules.allowed()
        assert allowed.any(1).all()
        for row in range(len(x)):
            code = wanted[row][place]
            drawn = code if allowed[row, code] else int(allowed[row].nonzero()[-1])
            x[row, place] = drawn if known[row][place] < 0 else known[row][place]
        rules.tell(x[:, place])
    return rules.close(x).tolist()


def test_what_is_begun_is_whole_within_the_gap():
    assert closing(PAIRS).tolist() == [0, 1]
    assert filled([[1, 2, -1, -1, -1, 1, 2]], [[0, 0, 1, 2, 1, 0, 0]]) == [[1, 2, 1, 2, 1, 2, 0]]
    assert filled([[-1, 1, 2, 0]], [[1, 0, 0, 0]]) == [[1, 2, 0, 0]]


def test_a_gap_may_end_early():
    assert filled([[-1, -1, -1, -1, 1, 2]], [[1, 2, 0, 1, 0, 0]]) == [[1, 2, 1, 2, 0, 0]]
    assert filled([[-1, -1, -1, -1, 1, 2]], [[0, 1, 2, 1, 0, 0]]) == [[1, 2, 0, 0, 0, 0]]


def test_each_sequence_has_its_own_gaps():
    known = [[-1, -1, 1, 2, -1, -1], [1, 2, -1, -1, 1, 2]]
    assert filled(known, [[0, 0, 0, 0, 1, 2], [0, 0, 1, 2, 0, 0]]) == [[1, 2, 1, 2, 0, 0], [1, 2, 1, 2, 1, 2]]


def test_other_codes_may_end_a_gap_and_are_left_out():
    sequences = torch.tensor([[3, -1, -1, -1, 3, 1]])
    free = Automaton(torch.zeros(1, 4, dtype=torch.int64), 1)
    rules = Gaps(free, sequences, torch.tensor([True, False, False, True]), lambda: torch.zeros(1, 4))
    assert filled(sequences.tolist(), [[0, 2, 3, 1, 0, 0]], rules) == [[3, 2, 3, 1, 0, 0]]


def test_some_of_the_sequences_go_on():
    rules = gaps_of(Automaton(PAIRS, 2), torch.tensor([[-1, -1], [1, 2]]))
    rules.pick(torch.tensor([1, 0, 0]))
    assert rules.allowed().tolist() == [[True, False, False]] + 2 * [[True, True, False]]


@pytest.mark.parametrize("room", [1, 2, 3])
def test_automata_that_are_far_from_their_end(room: int):
    """1 needs two more codes."""
    after = torch.tensor([[0, 1], [-1, 2], [-1, 0]])
    assert closing(after).tolist() == [0, 2, 1]
    allowed = gaps_of(Automaton(after, 1), torch.full((1, room), -1)).allowed()
    assert allowed.tolist() == [[True, room >= 3]]
