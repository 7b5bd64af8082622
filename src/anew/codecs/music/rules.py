"""What may follow in music, so that all that is drawn can be played, and is written as it would be read."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from anew.codecs.music.events import Events, Kind
from anew.nn.rules import Rules

_AFTER = {
    Kind.END: (Kind.END,),
    Kind.BAR: (Kind.BAR, Kind.TEMPO, Kind.PLACE, Kind.NOTE),
    Kind.TEMPO: (Kind.BAR, Kind.PLACE, Kind.NOTE),
    Kind.PLACE: (Kind.NOTE,),
    Kind.NOTE: (Kind.VELOCITY,),
    Kind.VELOCITY: (Kind.DURATION,),
    Kind.DURATION: (Kind.END, Kind.BAR, Kind.PLACE, Kind.NOTE),
}


class MusicRules(Rules):
    """Within a bar time goes on; notes that begin at once come in order; no note begins where it sounds already.

    In a track that never sounds two notes at once, none begins while another sounds. Music ends after a note.
    """

    def __init__(self, events: Events, n: int) -> None:
        self.kinds, self.steps = torch.from_numpy(events.kinds), _steps(events)
        self.spans = {kind: slice(a, b) for kind, a, b in zip(Kind, events.first, [*events.first[1:], None])}
        self.after = _after(bool(events.velocities))[:, self.kinds]  # (kinds, vocabulary + 1)
        self.timed, self.groups = bool(events.tempos), _groups(events)
        self.kind, self.bar, self.size, self.place, self.note, self.tempo = torch.zeros(6, n, dtype=torch.int64)
        self.until = torch.zeros(n, int(self.groups.max()) + 1, dtype=torch.int64)  # the step at which each is silent

    def allowed(self) -> Tensor:
        allowed = self.after[self.kind]
        places = self.steps[self.spans[Kind.PLACE]]
        free = self.bar[:, None] + places >= self.until.amin(1, keepdim=True)
        allowed[:, self.spans[Kind.PLACE]] &= free & (places > self.place[:, None]) & (places < self.size[:, None])
        codes, now = torch.arange(len(self.kinds)), self.bar + self.place
        silent = self.until[:, self.groups[self.spans[Kind.NOTE]]] <= now[:, None]
        allowed[:, self.spans[Kind.NOTE]] &= silent & (codes[self.spans[Kind.NOTE]] > self.note[:, None])
        allowed[:, self.spans[Kind.TEMPO]] &= codes[self.spans[Kind.TEMPO]] != self.tempo[:, None]
        allowed[self.size == 0] = self.kinds == Kind.BAR
        if self.timed:
            allowed[(self.kind == Kind.BAR) & (self.tempo == 0)] = self.kinds == Kind.TEMPO
        return allowed

    def tell(self, codes: Tensor) -> None:
        kind, steps = self.kinds[codes], self.steps[codes]
        begins, moves = kind == Kind.BAR, kind == Kind.PLACE
        self.bar += torch.where(begins, self.size, 0)
        self.size = torch.where(begins, steps, self.size)
        self.place = torch.where(begins, 0, torch.where(moves, steps, self.place))
        self.note = torch.where(kind == Kind.NOTE, codes, torch.where(begins | moves, 0, self.note))
        self.tempo = torch.where(kind == Kind.TEMPO, codes, self.tempo)
        lasts = kind == Kind.DURATION
        self.until[lasts, self.groups[self.note[lasts]]] = (self.bar + self.place + steps)[lasts]
        self.kind = kind

    def pick(self, rows: Tensor) -> None:
        now = (self.kind, self.bar, self.size, self.place, self.note, self.tempo)
        self.kind, self.bar, self.size, self.place, self.note, self.tempo = (each[rows] for each in now)
        self.until = self.until[rows]


def left_of(kind: Kind, velocities: bool) -> int:
    """How many codes follow one of this kind at least, until a note is whole."""
    note = 1 + velocities
    return {Kind.TEMPO: 1 + note, Kind.PLACE: 1 + note, Kind.NOTE: note, Kind.VELOCITY: 1}.get(kind, 0)


def _steps(events: Events) -> Tensor:
    """(vocabulary + 1,) how long a bar is, how far a place lies from its bar, how long a duration lasts."""
    sizes = np.concatenate([[0], events.sizes])
    return torch.from_numpy(np.concatenate([sizes, events.values[len(sizes) :, 0]]))


def _after(velocities: bool) -> Tensor:
    """bool (kinds, kinds): what may follow which."""
    table = torch.zeros(len(Kind), len(Kind), dtype=torch.bool)
    for kind, following in _AFTER.items():
        table[kind, list(following)] = True
    if not velocities:
        table[Kind.NOTE] = table[Kind.VELOCITY]
    return table


def _groups(events: Events) -> Tensor:
    """(vocabulary + 1,) which notes are one that sounds or not: all of a track that sounds one at a time, or each."""
    keys = [(track, -1 if track in events.single else pitch) for track, pitch in events.notes]
    numbers = {key: number for number, key in enumerate(dict.fromkeys(keys))}
    groups = torch.zeros(events.vocabulary + 1, dtype=torch.int64)
    groups[events.kinds == Kind.NOTE] = torch.tensor([numbers[key] for key in keys])
    return groups
