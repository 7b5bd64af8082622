"""Rows of Fields as runs of codes: each field has codes of its own, so a place says which field it is of."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from anew.spaces import Fields

PARTS = 16  # of an interval of numbers, that are told apart


@dataclass(frozen=True)
class Slots:
    """The codes of one row: for each field its code and, of a number in an interval, which part of it."""

    fields: Fields
    first: int  # of the codes

    @property
    def starts(self) -> list[int]:
        """The first code of each field."""
        sizes = [field.values + PARTS * (field.intervals > 0) for field in self.fields.fields]
        return (self.first + np.cumsum([0, *sizes])[:-1]).tolist()

    @property
    def end(self) -> int:
        """The first code that is free."""
        return self.first + sum(field.values + PARTS * (field.intervals > 0) for field in self.fields.fields)

    @property
    def longest(self) -> int:
        """Codes of a row, at most."""
        return sum(1 + (field.intervals > 0) for field in self.fields.fields)

    def write(self, x: np.ndarray) -> np.ndarray:
        """int64 (n, longest) of rows (n, F), 0 where there is no code; what is not known is the first code."""
        columns = [np.zeros((len(x), 0), np.int64)]
        for field, start, column in zip(self.fields.fields, self.starts, np.nan_to_num(x).T):
            code = np.floor(column).astype(np.int64)
            columns.append(start + code[:, None])
            if field.intervals:
                part = (np.floor((column - code) * PARTS)).astype(np.int64).clip(0, PARTS - 1)
                within = code >= field.values - field.intervals
                columns.append(np.where(within, start + field.values + part, 0)[:, None])
        return np.concatenate(columns, 1)

    def read(self, codes: list[int], place: int) -> tuple[list[float], int] | None:
        """A row that begins at `place`, its numbers in the middle of their part, and where the next begins."""
        row = []
        for field, start in zip(self.fields.fields, self.starts):
            if place >= len(codes):
                return None
            code, place = codes[place] - start, place + 1
            value = float(code)
            if field.intervals and code >= field.values - field.intervals:
                if place >= len(codes):
                    return None
                value += (codes[place] - start - field.values + 0.5) / PARTS
                place += 1
            row.append(value)
        return row, place


def transitions(parent: Slots, child: Slots) -> Tensor:
    """`Automaton.after` of a parent's row and any number of its children's: int64 (states, codes + 1)."""
    first, second = _steps(parent), _steps(child)
    table = torch.full((len(first) + len(second), child.end), -1)
    row = len(first)  # the state in which a child begins, or the sequence ends
    table[row, 0] = row
    for state, (low, plain, high, after, after_interval) in enumerate(first):
        table[state, low:plain], table[state, plain:high] = after, after_interval
    for state, (low, plain, high, after, after_interval) in enumerate(second, row):
        table[state, low:plain] = row + after % len(second)
        table[state, plain:high] = row + after_interval % len(second)
    return table


def _steps(slots: Slots) -> list[tuple[int, int, int, int, int]]:
    """Of each step of a row: its codes from low to high, of which those from `plain` on are intervals, and which steps
    follow codes before that, and after."""
    found: list[tuple[int, int, int, int, int]] = []
    for field, start in zip(slots.fields.fields, slots.starts):
        step, high = len(found), start + field.values
        if not field.intervals:
            found.append((start, high, high, step + 1, step + 1))
            continue
        found.append((start, high - field.intervals, high, step + 2, step + 1))
        found.append((high, high + PARTS, high + PARTS, step + 2, step + 2))
    return found
