"""How samples are wanted: how sequences begin and end, by which grammar, how varied, and the best of how many."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

import torch
from torch import Tensor

from anew.codecs.codec import Codec
from anew.codecs.text.grammar import Grammar, Matcher
from anew.display import OnProgress
from anew.drawing import TOGETHER, Writing, draw
from anew.errors import AnewError
from anew.models.model import Model, Scores
from anew.models.writing import Writes
from anew.nn.decoding import PLAIN, Style
from anew.nn.rules import Both, Rules
from anew.rng import Rng
from anew.spaces import Tokens

if TYPE_CHECKING:
    from anew.codecs.text.codec import TextCodec

MOST = 1_000  # candidates, and beams


@dataclass(frozen=True)
class Sampler:
    """Draws samples of a model, which the codec decodes.

    Sequences begin with the `prompt`, are drawn in a `style` and have at most `length` codes. Texts end before any of
    `stop`, and what follows the prompt (of a language: all) obeys the `grammar`. With a `beam`, nothing is drawn, but
    the likeliest sequence searched for. Each sample is the best of `best_of` candidates. `show` is told the codes (n,)
    that are drawn, column by column. Raises AnewError for what the model or the codec cannot do.
    """

    model: Model
    codec: Codec
    style: Style = PLAIN
    prompt: str | None = None
    length: int | None = None
    stop: Sequence[str] = ()
    grammar: Grammar | None = None
    best_of: int = 1
    beam: int | None = None
    show: Callable[[Tensor], None] | None = None

    def __post_init__(self) -> None:
        for name, number in (("best_of", self.best_of), ("beam", self.beam)):
            if number is not None and not 1 <= number <= MOST:
                raise AnewError(f"{name} cannot be {number}; expected 1 to {MOST}")
        follows = self.prompt is not None or self.grammar is not None
        if (follows or self.stop) and not hasattr(self.codec, "begun"):
            raise AnewError(f"samples of the kind {self.codec.name} are no text; leave out prompt, stop and grammar")
        written = follows or self.length is not None or self.beam is not None or self.style != PLAIN
        if written and not isinstance(self.model, Writes):
            unable = f"{type(self.model).__name__} does not write from left to right"
            raise AnewError(f"{unable}; leave out prompt, grammar, beam, temperature and the like")
        if self.beam is not None and (self.best_of > 1 or self.style != PLAIN):
            raise AnewError("a beam search leaves nothing to chance; leave out best_of, temperature and the like")
        if self.best_of > 1 and self.codec.frames:
            raise AnewError("rows of a table are not chosen by best_of; say with constraints what they must fulfil")

    def draw(
        self,
        n: int,
        given: Tensor | None,
        seed: int,
        on_progress: OnProgress | None = None,
        first: int = 0,
        known: Tensor | None = None,
    ) -> Tensor:
        """Samples number `first` to `first` + n - 1, (n, *space.shape); of rows, some columns may be `known` (n, F).

        Of n candidates each, those of sample i are number i * n to i * n + n - 1 of the same seed.
        """
        many, start = n * self.best_of, first * self.best_of
        if self.prompt is not None:
            known = self._begun.expand(many, -1)
        if given is not None:
            given = given.repeat_interleave(self.best_of, 0)
        x = draw(self.model, many, given, seed, on_progress, known, start, self._writing)
        return x if self.best_of == 1 else self._best(x, given, seed, start)

    def items(self, x: Tensor) -> Any:
        """What the codec makes of samples."""
        items, after = self.codec.decode(x), len(self.prompt or "")
        return [cut(item, self.stop, after) for item in items] if self.stop else items

    def warning(self, x: Tensor) -> str:
        """What to say of samples that are not all that the grammar asks for; empty where they are."""
        if self.grammar is None or self._matcher is None or (whole := self._matcher.whole(x, self._obeys_from)).all():
            return ""
        found = f"{int(whole.sum()):,} of {len(x):,} samples are whole, as the {self.grammar.kind} asks"
        return f"{found}; others ran out of length: try --best-of 8, or limit what the grammar lets repeat"

    def _best(self, x: Tensor, given: Tensor | None, seed: int, start: int) -> Tensor:
        """Of every `best_of` candidates the likeliest per code, among those of which all holds that may, if any do."""
        holds = self._holds(x)
        if not holds.shape[1] and not isinstance(self.model, Writes | Scores):
            unable = f"{type(self.model).__name__} does not say how likely samples are"
            raise AnewError(f"{unable}, and nothing else is known to choose the best by; leave out best_of")
        good = holds.all(1).view(-1, self.best_of)
        logs = self._logs(x, given, seed, start).view(good.shape)
        logs = logs.masked_fill(good.any(1, keepdim=True) & ~good, -torch.inf)
        return x.unflatten(0, good.shape)[torch.arange(len(logs)), logs.argmax(1)]

    def _holds(self, x: Tensor) -> Tensor:
        """bool (n, any): what holds of a sample or not (`Codec.traits`), and whether it is whole by the grammar."""
        held = [torch.ones(len(x), 0, dtype=torch.bool)]
        if self._matcher is not None:
            held.append(self._matcher.whole(x, self._obeys_from)[:, None])
        traits = self.codec.traits(self.items(x)).values()
        return torch.cat(held + [torch.from_numpy(values)[:, None] for values in traits if values.dtype == bool], 1)

    def _logs(self, x: Tensor, given: Tensor | None, seed: int, start: int) -> Tensor:
        """(n,) as `_score` has them, a part at a time."""
        device, parts = next(self.model.parameters()).device, []
        for rows in torch.arange(len(x)).split(TOGETHER):
            told = None if given is None else given[rows].to(device)
            rng = Rng.for_samples((seed, "score"), (start + rows).tolist(), device)
            parts.append(self._score(x[rows].to(device), told, rng).cpu())
        return torch.cat(parts)

    @torch.no_grad()
    def _score(self, x: Tensor, given: Tensor | None, rng: Rng) -> Tensor:
        """(n,) log p per code that was drawn, the end being one; 0 where the model does not say."""
        if isinstance(self.model, Scores) and self.prompt is None and self.length is None:
            logs = self.model.log_prob(x, given, rng)
            return logs / _codes(x) if isinstance(self.model.space, Tokens) else logs
        if isinstance(self.model, Writes):
            first, last = self._first, max(self._first + 1, min(self.length or x.shape[1], x.shape[1]))
            nats = self.model.nats(x, given, first)[:, : last - first]
            return -nats.sum(1) / _codes(x[:, first:last])
        return torch.zeros(len(x))

    @cached_property
    def _begun(self) -> Tensor:
        return cast("TextCodec", self.codec).begun(self.prompt or "")

    @property
    def _first(self) -> int:
        """The place of the first code that is not of the prompt; the last one if the prompt leaves no room."""
        return 0 if self.prompt is None else min(len(self._begun), self.model.space.shape[0] - 1)

    @cached_property
    def _matcher(self) -> Matcher | None:
        if self.grammar is None:
            return None
        codec = cast("TextCodec", self.codec)
        matcher = Matcher(self.grammar, codec.codes, codec.space.vocabulary)
        if self.grammar.language and self.prompt and not matcher.begins(self._begun.tolist()):
            nearly = f"the grammar of {self.grammar.language}, which is nearly all of it"
            raise AnewError(f"nothing in {nearly}, begins with the prompt '{self.prompt}'; leave out the grammar")
        return matcher

    @property
    def _obeys_from(self) -> int:
        """The place of the first code that the grammar is of."""
        return 0 if self.grammar and self.grammar.language else self._first

    @property
    def _writing(self) -> Writing | None:
        """None for a model that does not write sequences."""
        if not isinstance(self.model, Writes):
            return None
        return Writing(self.style, self._rules, self.show, self.length, self.beam)

    def _rules(self, n: int) -> Rules | None:
        rules = self.codec.rules(n)
        if self._matcher is None:
            return rules
        obeyed = self._matcher.rules(n, self._obeys_from)
        return obeyed if rules is None else Both(rules, obeyed)


def cut(text: str, stop: Sequence[str], after: int = 0) -> str:
    """Up to the first of what it is to stop before, `after` so many letters."""
    return text[: min((place for end in stop if (place := text.find(end, after)) >= 0), default=len(text))]


def _codes(x: Tensor) -> Tensor:
    """(n,) how many codes sequences have, the end being one."""
    return ((x > 0).sum(1) + 1).clamp(max=x.shape[1])
