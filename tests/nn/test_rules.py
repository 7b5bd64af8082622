"""Rules of sequences: picked, they go on as they were; two at a time, they allow what both do."""

from __future__ import annotations

import torch

from anew.nn.rules import Automaton, Both
from anew.nn.trails import Trails
from anew.spaces import Graph
from toys import check_picking

AFTER = torch.tensor([[-1, 1, 2, -1], [0, 2, -1, 1], [-1, -1, 1, 0]])
OTHER = torch.tensor([[-1, 0, 0, 0], [0, 0, 0, -1], [-1, -1, -1, 0]])


def test_picked_they_go_on_as_they_were():
    check_picking(lambda n: Automaton(AFTER, n))
    check_picking(lambda n: Both(Automaton(AFTER, n), Automaton(OTHER, n)))
    check_picking(Trails(Graph(6, 2, 2)).rules)
    check_picking(Trails(Graph(6, 2, 2, room=(1, 3), takes=(1, 2))).rules)


def test_both_must_allow():
    both = Both(Automaton(AFTER, 2), Automaton(OTHER, 2))
    assert both.allowed().tolist() == 2 * [[False, True, True, False]]
    both.tell(torch.tensor([1, 2]))
    assert both.allowed().tolist() == [[False, True, False, True], [False, False, True, True]]


def test_where_nothing_is_allowed_the_sequence_ends():
    both = Both(Automaton(AFTER, 1), Automaton(OTHER, 1, start=2))
    assert both.one.allowed().any()
    assert both.other.allowed().any()
    assert both.allowed().tolist() == [[True, False, False, False]]
