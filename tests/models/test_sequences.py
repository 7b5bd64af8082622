"""Models of sequences: what is written is what is scored, whatever the context, the prompt, the style and the rules."""

from __future__ import annotations

import itertools

import pytest
import torch
from torch import Tensor

from anew.errors import AnewError
from anew.models import build
from anew.models.autoregressive_tokens import AutoregressiveTokens, windows
from anew.models.masked_diffusion import MaskedDiffusion
from anew.models.model import Turn
from anew.models.ngram import NGram
from anew.models.writing import Reader, Rereader, Writes
from anew.nn.beams import EVEN
from anew.nn.decoding import Style
from anew.nn.rules import Automaton
from anew.rng import Rng
from anew.spaces import Batch, Tokens
from toys import tiny, toy, trainer

SPACE = Tokens(3, 9)


def shaken(
    space: Tokens = SPACE, given: Tokens | None = None, context: int = 4, recipe: str = "autoregressive"
) -> AutoregressiveTokens:
    """With weights that are all of some size, so that mistakes are seen."""
    model = tiny(recipe, space, given, context=context)
    torch.manual_seed(1)
    for name, parameter in model.named_parameters():
        if "norm" not in name:
            torch.nn.init.normal_(parameter, std=0.4)
    assert isinstance(model, AutoregressiveTokens)
    return model.eval().requires_grad_(False)


def nothing(n: int, space: Tokens = SPACE) -> tuple[Tensor, Tensor]:
    known = torch.zeros(n, space.length, dtype=torch.int64)
    return known, known > 0


@pytest.mark.parametrize(("length", "context"), [(9, 4), (9, 9), (9, 5), (10, 4), (3, 8), (100, 7)])
def test_windows_see_each_place_once_and_half_of_the_context_before_it(length: int, context: int):
    scored = []
    for index, (start, end) in enumerate(windows(length, context)):
        assert end - start <= context
        first = start if index == 0 else start + context - context // 2
        scored += range(first, end)
        assert index == 0 or first - start >= context // 2
    assert scored == list(range(length))


@pytest.mark.parametrize("context", [3, 4, 9])
def test_what_is_written_is_what_is_scored(context: int):
    space = Tokens(2, 5)
    model = shaken(space, context=context)
    n = 6000
    drawn = model.write(*nothing(n, space), None, Rng.for_step(0, batch=n))
    kinds, counts = drawn.unique(dim=0, return_counts=True)
    expected = model.log_prob(kinds, None, Rng.for_step(0, batch=len(kinds))).exp()
    assert ((counts / n - expected).abs() < 4 * (expected / n).sqrt() + 1e-3).all()
    assert expected.sum().item() == pytest.approx(1, abs=0.05)


def test_probabilities_sum_to_one_over_several_windows():
    model = shaken(Tokens(2, 5), context=2)
    rows = [row + (0,) * (5 - len(row)) for n in range(6) for row in itertools.product((1, 2), repeat=n)]
    logs = model.log_prob(torch.tensor(rows), None, Rng.for_step(0, batch=len(rows)))
    assert logs.exp().sum().item() == pytest.approx(1, abs=1e-4)


def test_the_loss_of_all_places_is_what_is_scored():
    model = shaken(context=9)
    x = torch.tensor([[1, 2, 3, 1, 2, 3, 1, 2, 3], [3, 1, 0, 0, 0, 0, 0, 0, 0]])
    rng = Rng.for_step(0, batch=2)
    loss = model.loss(Batch(x), Turn("fit", 1.0), rng) * model.context
    assert torch.allclose(loss, -model.log_prob(x, None, rng), atol=1e-5)


@pytest.mark.parametrize("prompt", [0, 1, 5, 8, 9])
def test_a_prompt_is_kept_and_gone_on_from(prompt: int):
    model = shaken()
    known, mask = nothing(3)
    known[:, :prompt], mask[:, :prompt] = 2, True
    x = model.write(known, mask, None, Rng.for_samples(0, range(3)))
    assert (x[:, :prompt] == 2).all()
    assert SPACE.contains(x)
    alone = torch.cat([model.write(known[:1], mask[:1], None, Rng.for_samples(0, [i])) for i in range(3)])
    assert torch.equal(x, alone)


def test_after_the_end_nothing_follows():
    x = shaken().write(*nothing(200), None, Rng.for_step(0, batch=200))
    assert (x == 0).any()
    assert not ((x[:, :-1] == 0) & (x[:, 1:] > 0)).any()


def test_a_cut_ends_all():
    known, mask = nothing(50)
    mask[:, 4:] = True
    x = shaken().write(known, mask, None, Rng.for_step(0, batch=50))
    assert (x[:, 4:] == 0).all()
    assert (x[:, :4] > 0).any()


def test_rules_are_kept_also_within_a_prompt():
    after = torch.tensor([[-1, 1, -1, -1], [-1, -1, 2, -1], [2, -1, -1, 0]])  # 1 2, then the end or 3 and again
    known, mask = nothing(100)
    known[:, 0], mask[:, 0] = 1, True
    x = shaken().write(known, mask, None, Rng.for_step(0, batch=100), rules=Automaton(after, 100))
    assert {"".join(map(str, row)) for row in x.tolist()} <= {"120000000", "123120000", "123123120", "123123123"}


def test_each_column_is_shown():
    seen: list[Tensor] = []
    x = shaken().write(*nothing(4), None, Rng.for_step(0, batch=4), show=lambda codes: seen.append(codes.clone()))
    assert torch.equal(torch.stack(seen, 1), x[:, : len(seen)])


def test_the_likeliest_is_the_likeliest():
    model = shaken(context=9)
    x = model.write(*nothing(2), None, Rng.for_step(0, batch=2), style=Style(temperature=0))
    assert torch.equal(x[0], x[1])
    logits = model.network(model.begun(x)[:, :1])
    assert int(x[0, 0]) == int(logits[0, 0].argmax())


@pytest.mark.parametrize("context", [3, 9])
@pytest.mark.parametrize("recipe", ["autoregressive", "ngram"])
def test_a_narrow_search_finds_what_is_drawn_without_temperature(context: int, recipe: str):
    model = shaken(context=context) if recipe == "autoregressive" else counted()
    known, mask = nothing(4)
    known[:, 0], mask[:, 0] = torch.tensor([1, 2, 3, 3]), True
    mask[:, 7:] = True
    greedy = model.write(known, mask, None, Rng.for_step(0, batch=4), style=Style(temperature=0))
    assert torch.equal(model.search(known, mask, None, 1), greedy)


def counted() -> NGram:
    """An n-gram of random counts."""
    model = tiny("ngram", SPACE, order=3)
    assert isinstance(model, NGram)
    for parameter in model.parameters():
        parameter.data = torch.rand(parameter.shape).log()
    return model.eval().requires_grad_(False)


@pytest.mark.parametrize("context", [3, 5])
def test_a_wide_search_finds_the_likeliest_of_all(context: int):
    space, given = Tokens(2, 5), Tokens(2, 3)
    model, told = shaken(space, given, context=context), torch.tensor([[1, 2, 0], [2, 2, 1], [1, 0, 0]])
    rows = [row + (0,) * (5 - len(row)) for n in range(6) for row in itertools.product((1, 2), repeat=n)]
    everything = torch.tensor(rows)
    told_each = told.repeat_interleave(len(rows), 0)
    logs = model.log_prob(everything.repeat(3, 1), told_each, Rng.for_step(0, batch=len(told_each))).view(3, -1)
    ranks = logs / ((5 + ((everything > 0).sum(1) + 1).clamp(max=5)) / 6) ** EVEN
    best = everything[ranks.argmax(1)]
    known, mask = nothing(3, space)
    assert torch.equal(model.search(known, mask, told, 40), best)
    alone = torch.cat([model.search(known[:1], mask[:1], told[i : i + 1], 40) for i in range(3)])
    assert torch.equal(alone, best)


def test_a_search_keeps_the_rules_and_the_beginning():
    after = torch.tensor([[-1, 1, -1, -1], [-1, -1, 2, -1], [2, -1, -1, 0]])  # 1 2, then the end or 3 and again
    known, mask = nothing(2)
    known[:, 0], mask[:, 0] = 1, True
    found = {
        tuple(row)
        for beam in (1, 2, 5)
        for row in shaken().search(known, mask, None, beam, Automaton(after, 2 * beam)).tolist()
    }
    assert {"".join(map(str, row)) for row in found} <= {"120000000", "123120000", "123123120", "123123123"}


def test_a_search_that_is_cut_finds_what_has_not_ended():
    known, mask = nothing(1)
    mask[:, 4:] = True
    never = torch.tensor([[-1, 0, 0, 0]])
    x = shaken().search(known, mask, None, 3, Automaton(never, 3))
    assert (x[0, :4] > 0).all()
    assert (x[0, 4:] == 0).all()


class Coin(Writes):
    """Code 1 or 2, and hardly ever an end, whatever came before."""

    def reader(self, given: Tensor | None, n: int) -> Reader:
        return Rereader(lambda x, place: torch.tensor([[0.001, 0.699, 0.3]]).log().expand(n, 3))


@pytest.mark.parametrize("beam", [1, 4])
def test_a_search_takes_what_fills_the_length_for_whole_where_it_may_end(beam: int):
    known, mask = nothing(1, Tokens(2, 5))
    assert Coin().search(known, mask, None, beam).tolist() == [[1] * 5]
    free, even = torch.tensor([[0, 0, 0]]), torch.tensor([[0, 1, 1], [-1, 0, 0]])  # ends after 0, 2 or 4 codes
    assert Coin().search(known, mask, None, beam, Automaton(free, beam)).tolist() == [[1] * 5]
    assert Coin().search(known, mask, None, 40, Automaton(even, 40)).tolist() == [[1] * 4 + [0]]


@pytest.mark.parametrize("first", [0, 3, 8])
def test_nats_are_those_that_are_read(first: int):
    model = shaken()
    x = torch.tensor([[1, 2, 3, 1, 2, 3, 1, 2, 3], [3, 1, 2, 2, 0, 0, 0, 0, 0]])
    assert torch.allclose(model.nats(x, None, first), Writes.nats(model, x, None, first), atol=1e-5)
    assert (model.nats(x, None, first)[1, max(0, 5 - first) :] == 0).all()


def test_a_given_text_is_read_wherever_its_padding_is():
    given = Tokens(4, 6)
    model = shaken(given=given)
    told = torch.tensor([[1, 2, 0, 0, 0, 0], [1, 2, 3, 4, 1, 2], [0, 0, 0, 0, 0, 0]])
    codes = model.told(told, 3).codes
    assert codes is not None
    start = model.network.start
    assert codes.tolist()[0] == [0, 0, 0, 0, 1 + start, 2 + start]
    assert codes.tolist()[2] == [0] * 6
    x = torch.ones(3, 9, dtype=torch.int64)
    logs = model.log_prob(x, told, Rng.for_step(0, batch=3))
    assert len(logs.unique()) == 3
    assert torch.allclose(model.log_prob(x, None, Rng.for_step(0, batch=3)), logs[2])


def test_translation_is_learned():
    """The text that is given, backwards."""
    given = Tokens(5, 4)
    torch.manual_seed(0)
    told = torch.randint(1, 6, (512, 4))
    model = build("autoregressive", Tokens(5, 4), given, 1, {"width": 32, "layers": 2, "lr": 3e-3, "batch": 64})
    session = trainer(model, 150)
    session.data = type(session.data)(told.flip(1).to(torch.uint8), told, model.space)
    session.order = type(session.order)(512, 0)
    for _ in range(session.steps):
        session.advance()
    drawn = session.model.eval().sample(64, told[:64], Rng.for_samples(0, range(64)))
    assert (drawn == told[:64].flip(1)).all(1).float().mean() > 0.9


def test_more_passes_leave_more_out():
    model = shaken(context=9)
    shares = [model.adapt(passes)["dropout"] for passes in (1, 8, 20, 100)]
    assert shares == sorted(shares)
    assert shares[0] == 0 < shares[-1]


def test_codes_that_are_dropped_are_not_read():
    """What follows does not depend on them; and where it is told to, learning drops some."""
    model, x = shaken(context=9), toy(SPACE, 6)[0]
    part = model.begun(x)[:, :-1]
    dropped = torch.zeros(6, part.shape[1] - 1, dtype=torch.bool)
    dropped[:, 2] = True
    other = part.clone()
    other[:, 2] = 1 + part[:, 2] % (SPACE.vocabulary - 1)
    for mask, alike in ((dropped, True), (~dropped & False, False)):
        one, two = (model.nats_of(codes, model.told(None, 6), mask)[:, 3:] for codes in (part, other))
        assert torch.equal(one, two) == alike
    seen, guessed = (
        tiny("autoregressive", SPACE, word_dropout=share).loss(Batch(x), Turn("fit", 0.5), Rng.for_step(0, batch=6))
        for share in (0.0, 0.9)
    )
    assert not torch.equal(seen, guessed)


def test_masked_diffusion_fills_in_what_goes_with_both_sides():
    model = tiny("masked-diffusion", Tokens(3, 6), width=32, layers=2)
    session = trainer(model, 150)
    rows = torch.arange(64)[:, None] % 2 + 1
    session.data = type(session.data)(rows.expand(64, 6).to(torch.uint8), None, model.space)
    for _ in range(session.steps):
        session.advance()
    known, mask = nothing(40, Tokens(3, 6))
    known[:20, 5], known[20:, 5], mask[:, 5] = 1, 2, True
    x = session.model.eval().complete(known, mask, None, Rng.for_samples(0, range(40)))
    assert (x == x[:, 5:]).all(1).float().mean() > 0.9


def test_masked_diffusion_says_what_is_too_long():
    with pytest.raises(AnewError, match=r"codec\.length"):
        build("masked-diffusion", Tokens(3, 5000), None, 1)


def test_steps_of_masked_diffusion_hide_less_and_less():
    model = tiny("masked-diffusion", Tokens(3, 6), steps=6)
    assert isinstance(model, MaskedDiffusion)
    x = model.eval().sample(20, None, Rng.for_samples(0, range(20)))
    assert Tokens(3, 6).contains(x)
    alone = model.sample(1, None, Rng.for_samples(0, [7]))
    assert torch.equal(x[7:8], alone)


def test_ngrams_are_what_was_counted():
    space = Tokens(2, 6)
    model = tiny("ngram", space, order=2)
    session = trainer(model, 30)
    rows = torch.tensor([[1, 2, 1, 2, 1, 2], [2, 1, 2, 1, 2, 1]]).repeat(32, 1)
    session.data = type(session.data)(rows.to(torch.uint8), None, space)
    for _ in range(session.steps):
        session.advance()
    drawn = session.model.eval().sample(100, None, Rng.for_samples(0, range(100)))
    whole = drawn[(drawn > 0).all(1)]
    assert len(whole) > 50
    assert (whole[:, 1:] != whole[:, :-1]).float().mean() > 0.9
