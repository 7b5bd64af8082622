"""How near answers are to the real ones: of a run that is given texts, asked what was held out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from anew.codecs.text.codec import TextCodec
from anew.codecs.text.prompts import PromptCodec
from anew.drawing import Writing, draw
from anew.evaluation.row import POOR, Row
from anew.evaluation.value import Value, mean, share
from anew.nn.decoding import PLAIN, Style
from anew.run import Run
from anew.samples import Samples
from anew.spaces import Batch

ASKED = 200  # texts, at most
LONGEST, BETA = 6, 2.0  # letters of an n-gram; how much more recall counts than precision
SURE = Style(temperature=0)


def translation(run: Run, test: Batch) -> list[Row]:
    """Rows of letters in common and of answers that are the same; none for a run that is given no text."""
    if test.given is None or not _answers(run):
        return []
    made, real = answers(run, test.given[:ASKED]), list(run.codec.decode(test.x[:ASKED]))
    others = [*real[1:], *real[:1]]
    near, far = (mean(np.array([chrf(a, b) for a, b in zip(some, real, strict=True)])) for some in (made, others))
    same, chance = (_same(some, real) for some in (made, others))
    note = "The likeliest answer to each unseen text. There is no floor; the ceiling takes the answer to another one."
    return [
        _row("chrf", "Near the answer", "How much of what it answers is in the real answer?", near, far, note),
        _row("answered", "Right answers", "How often does it answer what was really answered?", same, chance, note),
    ]


def unseen(run: Run, held_out: Batch, n: int) -> Samples | None:
    """`n` samples, each for a text that was held out; None of a run that is given no text.

    What is drawn for texts of the training split is a copy if it is right.
    """
    if held_out.given is None or run.given is None or not _answers(run):
        return None
    told = held_out.given[torch.arange(n) % held_out.size]
    return Samples(run.codec, answers(run, told, PLAIN, seed=1), run.given.rows(told))


def answers(run: Run, given: Tensor, style: Style = SURE, seed: int = 0) -> list[str]:
    """What the run writes when each of the rows (n, ...) is given."""
    writing = Writing(style, run.codec.rules)
    return list(run.codec.decode(draw(run.model, len(given), given, seed, writing=writing)))


def chrf(made: str, real: str) -> float:
    """The F-score (recall counts twice as much) of n-grams of up to 6 letters (Popovic 2015, equation 1), from 0 to 1.

    White space does not count. Precision and recall are means over those n of which both texts have n-grams.
    """
    found = []
    for n in range(1, LONGEST + 1):
        a, b = (_grams("".join(text.split()), n) for text in (made, real))
        if a and b:
            common = (a & b).total()
            found.append((common / a.total(), common / b.total()))
    precision, recall = np.mean(found, 0) if found else (0.0, 0.0)
    return float((1 + BETA**2) * precision * recall / (BETA**2 * precision + recall)) if precision else 0.0


def _answers(run: Run) -> bool:
    asked = run.given is not None and isinstance(run.given.codec, PromptCodec)
    return asked and run.inner is None and isinstance(run.codec, TextCodec)


def _grams(text: str, n: int) -> Counter[str]:
    return Counter(text[i : i + n] for i in range(len(text) - n + 1))


def _same(made: Sequence[str], real: Sequence[str]) -> Value:
    return share(sum(a.strip() == b.strip() for a, b in zip(made, real, strict=True)), len(real))


def _row(key: str, title: str, question: str, value: Value, other: Value, note: str) -> Row:
    verdict = POOR if value.low <= other.high else ""
    return Row(key, title, question, "share", value, None, other, "high", verdict, note)
