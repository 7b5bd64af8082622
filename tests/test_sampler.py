"""How samples are wanted: by a grammar, the best of several, and the likeliest of all."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

import anew
from anew.cli import app, main
from anew.codecs.text.code_parts import parses
from anew.codecs.text.grammar import Grammar
from anew.errors import AnewError
from anew.models.writing import Writes
from anew.run import Run
from anew.sampler import Sampler

SMALL = {"width": 32, "layers": 1, "context": 64, "batch": 16}
SCHEMA = {
    "type": "object",
    "properties": {"age": {"type": "integer"}},
    "required": ["age"],
    "additionalProperties": False,
}


def trained(folder: Path, rows: list[dict[str, str]], steps: int = 60, **request: object) -> Run:
    """On lines of JSON."""
    folder.mkdir(exist_ok=True)
    (folder / "lines.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    settings = SMALL | dict(request.pop("settings", {}))  # type: ignore[call-overload]
    return anew.train(
        folder / "lines.jsonl", size=1, examples=16 * steps, precision="fp32", out=folder / "run", settings=settings,
        show=False, **request,
    )  # type: ignore[arg-type]  # fmt: skip


@pytest.fixture(scope="module", params=["bytes", "parts"])
def people(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Run:
    names = ("Ann", "猫さん", "Zoë")
    texts = [json.dumps({"name": names[i % 3], "age": i % 90}, ensure_ascii=False) + " " * (i % 9) for i in range(200)]
    settings = {"codec.codes": request.param} | ({"codec.vocabulary": 280} if request.param == "parts" else {})
    return trained(tmp_path_factory.mktemp("people"), [{"text": text} for text in texts], settings=settings)


@pytest.fixture(scope="module")
def functions(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Code that parses half of the time, at best."""
    folder = tmp_path_factory.mktemp("functions")
    (folder / "code").mkdir()
    for i in range(60):
        text = f"def f(x):\n    return {i}\n" if i % 2 else f"def f(x:\n    return {i}\n"
        (folder / "code" / f"{i}.py").write_text(text)
    return anew.train(
        folder / "code", size=1, examples=16 * 200, precision="fp32", out=folder / "run", show=False,
        settings=SMALL | {"codec.fill": 0.3},
    )  # fmt: skip


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> Run:
    rows = [{"text": "ab"[i % 2] * 8 + str(i % 7), "said": f"{'xy'[i % 2]}{i}"} for i in range(120)]
    return trained(tmp_path_factory.mktemp("pairs"), rows, given=["said"])


def test_what_follows_the_prompt_obeys_the_grammar(people: Run):
    grammar = Grammar(regex=r"(Zoë|猫+)!")
    for text in people.sample(12, prompt='{"name": "', grammar=grammar):
        assert re.fullmatch(r'\{"name": "(Zoë|猫+)!?', text)
    made = people.sample(12, grammar=Grammar(regex="Zoë|猫{1,2}"), seed=3)
    assert all(re.fullmatch("Zoë|猫{1,2}", text) for text in made)
    assert len(set(made)) > 1


def test_people_are_told_how_many_are_whole(people: Run, capsys: pytest.CaptureFixture[str]):
    made = people.sample(30, grammar=Grammar(regex="[A-M]{1,2}|[n-z]{40}"), length=6)
    whole = sum(bool(re.fullmatch("[A-M]{1,2}", text)) for text in made)
    assert 0 < whole < 30
    assert f"{whole} of 30 samples are whole, as the regex asks" in capsys.readouterr().err
    people.sample(10, grammar=Grammar(regex="a{3}"))
    assert not capsys.readouterr().err


def test_json_is_by_the_schema(people: Run):
    made = people.sample(20, grammar=Grammar(json_schema=SCHEMA), best_of=4)
    rows = [json.loads(text) for text in made if text.endswith("}")]
    assert len(rows) > 10
    assert all(set(row) == {"age"} and type(row["age"]) is int for row in rows)


@pytest.mark.parametrize(
    "wanted", [{"best_of": 3}, {"grammar": Grammar(regex="[a-f]{1,9}")}, {"best_of": 2, "prompt": "{"}]
)
def test_a_sample_depends_on_its_number_only(people: Run, wanted: dict):
    sampler = Sampler(people.model, people.codec, **wanted)
    together = sampler.draw(5, None, 7)
    assert torch.equal(together[3:], sampler.draw(2, None, 7, first=3))
    assert len(together.unique(dim=0)) > 1


@pytest.mark.parametrize("wanted", [{}, {"prompt": '{"name'}, {"length": 9}, {"prompt": '{"name', "length": 12}])
def test_the_best_is_the_likeliest_per_code(people: Run, wanted: dict):
    one, best = (Sampler(people.model, people.codec, best_of=many, **wanted) for many in (1, 8))
    candidates, chosen = one.draw(8 * 4, None, 0), best.draw(4, None, 0)
    model, first = people.model, len(people.codec.begun(wanted.get("prompt", "")))  # type: ignore[attr-defined]
    assert isinstance(model, Writes)
    last = wanted.get("length", candidates.shape[1])
    nats = model.nats(candidates, None, first)[:, : last - first]
    means = (nats.sum(1) / (nats > 0).sum(1)).view(4, 8)
    assert torch.equal(candidates.view(4, 8, -1)[torch.arange(4), means.argmin(1)], chosen)


def test_the_best_are_among_those_that_parse(functions: Run):
    def parsed(made: anew.Samples) -> float:
        return functions.codec.traits(made.items)["parses"].mean()

    some, best = functions.sample(16), functions.sample(16, best_of=16)
    assert 0 < parsed(some) < 1
    assert parsed(best) > max(0.9, parsed(some))


def test_the_best_are_among_those_that_are_whole(people: Run):
    grammar = Grammar(regex="[a-z]{1,3}|[A-Z]{30,}")
    for text in people.sample(8, grammar=grammar, best_of=12, length=20):
        assert re.fullmatch("[a-z]{1,3}", text)


def test_what_fills_a_gap_obeys_too(functions: Run):
    made = functions.sample(6, prompt="def f(x):<FILL_ME>1\n", grammar=Grammar(regex=" return [0-9] [+-] "))
    assert all(re.fullmatch(r"def f\(x\): return [0-9] [+-] 1\n", text) for text in made)
    for text in functions.sample(6, grammar=Grammar(regex=r"[a-z() :]{3,9}")):
        assert re.fullmatch(r"[a-z() :]{3,9}", text), "no code begins a gap"


def test_a_search_finds_what_is_likelier(pairs: Run):
    likeliest = [pairs.sample(1, {"said": "x4"}, beam=beam) for beam in (1, 1, 8)]
    assert (
        list(likeliest[0])
        == list(likeliest[1])
        == list(pairs.sample(1, {"said": "x4"}, style=anew.Style(temperature=0)))
    )
    told = pairs.draw_given(1, {"said": "x4"}, 0)
    model = pairs.model
    greedy, wide = (Sampler(model, pairs.codec, beam=beam).draw(3, told.expand(3, -1), 0) for beam in (1, 8))  # type: ignore[union-attr]
    assert len(wide.unique(dim=0)) == 1
    assert pairs.codec.decode(wide[:1]) == list(likeliest[2])
    nats = model.nats(torch.stack([greedy[0], wide[0]]), told.expand(2, -1)).sum(1)  # type: ignore[operator,union-attr]
    assert nats[1] <= nats[0] + 1e-4


def test_code_that_obeys_its_language_parses_prompt_and_all(functions: Run):
    language = Grammar(language="python")
    assert not all(parses(text) for text in functions.sample(20, prompt="def f(x"))
    made = functions.sample(20, prompt="def f(x", grammar=language, best_of=20)
    assert all(text.startswith("def f(x") and parses(text) for text in made)
    for prompt in ("def f(x))", "def f(x):<FILL_ME>1\n"):
        with pytest.raises(AnewError, match=r"grammar of python.* begins with the prompt"):
            functions.sample(1, prompt=prompt, grammar=language)


def test_a_search_obeys_the_grammar(pairs: Run):
    assert pairs.sample(1, {"said": "y1"}, beam=4, grammar=Grammar(regex="c[0-9]d")).items[0][::2] == "cd"
    assert pairs.sample(1, {"said": "y1"}, beam=4, prompt="zz", length=3).items[0].startswith("zz")


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ({"best_of": 0}, "best_of cannot be 0; expected 1"), ({"beam": 0}, "beam cannot be 0"),
        ({"beam": 2, "best_of": 2}, "leaves nothing to chance"),
        ({"beam": 2, "style": anew.Style(temperature=0.5)}, "leaves nothing to chance"),
        ({"grammar": Grammar(regex="(a")}, "this regex cannot be followed: unclosed group"),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_refused(pairs: Run, wanted: dict, said: str):
    with pytest.raises(AnewError, match=said):
        pairs.sample(1, **wanted)


def test_other_data_are_asked_for_what_they_can(tmp_path: Path):
    small = {"batch": 16, "width": 2}
    run = anew.train("digits", "gan", size=1, examples=32, precision="fp32", out=tmp_path, settings=small, show=False)
    for wanted, said in (
        ({"grammar": Grammar(regex="a")}, "are no text; leave out prompt, stop and grammar"),
        ({"beam": 2}, "does not write from left to right"),
        ({"best_of": 2}, "does not say how likely samples are"),
    ):
        with pytest.raises(AnewError, match=said):
            run.sample(1, **wanted)  # type: ignore[arg-type]


def test_pictures_have_a_best_one_too(tmp_path: Path):
    run = anew.train("digits", "spline-flow", size=1, examples=64, precision="fp32", out=tmp_path, show=False,
                     settings={"batch": 16, "width": 2})  # fmt: skip
    sampler = Sampler(run.model, run.codec, best_of=3)
    assert torch.equal(sampler.draw(2, None, 0)[1:], sampler.draw(1, None, 0, first=1))


def test_rows_are_not_chosen_among(tmp_path: Path):
    (tmp_path / "rows.csv").write_text("a,b\n" + "".join(f"{i % 3},{i % 5}\n" for i in range(60)))
    run = anew.train(tmp_path / "rows.csv", size=1, examples=64, precision="fp32", out=tmp_path / "run", show=False)
    with pytest.raises(AnewError, match="say with constraints"):
        run.sample(1, best_of=2)


def invoke(*arguments: str) -> str:
    found = CliRunner().invoke(app, list(arguments), catch_exceptions=False)
    assert found.exit_code == 0
    return found.stdout


def test_from_the_command_line(pairs: Run, tmp_path: Path):
    schema, lark = tmp_path / "a schema 猫.json", tmp_path / "g.lark"
    schema.write_text(json.dumps({"enum": ["a", "猫"]}), encoding="utf-8-sig")
    lark.write_text('start: "x" | "yz"\r\n', encoding="utf-8")
    run = str(pairs.path)
    assert invoke("sample", run, "--given", "said=x1", "--regex", "[ab]{2}").strip() in ("aa", "ab", "ba", "bb")
    assert json.loads(invoke("sample", run, "--given", "said=x1", "--json-schema", str(schema))) in ("a", "猫")
    assert invoke("sample", run, "--given", "said=x1", "--grammar", str(lark), "--best-of", "4").strip() in ("x", "yz")
    assert parses(invoke("sample", run, "--given", "said=x1", "--grammar", "python", "--best-of", "4"))
    assert invoke("sample", run, "--given", "said=x1", "--beam", "4").strip()
    out = tmp_path / "made.jsonl"
    invoke("sample", run, "-n", "3", "--regex", "a?b", "--out", str(out))
    assert all(json.loads(line)["text"] in ("ab", "b") for line in out.read_text(encoding="utf-8").splitlines())


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (["--json-schema", "nowhere.json"], "cannot be read"), (["--grammar", "."], "cannot be read"),
        (["--regex", "a", "--json-schema", "empty.json"], "give one of them"),
        (["--json-schema", "empty.json"], "this JSON schema cannot be followed"),
        (["--grammar", "noise.lark"], "expected a text file in UTF-8"),
    ],
)  # fmt: skip
def test_wild_files_are_one_line(
    pairs: Run, asked: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):  # fmt: skip
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty.json").touch()
    (tmp_path / "noise.lark").write_bytes(np.random.default_rng(0).bytes(200))
    monkeypatch.setattr("sys.argv", ["anew", "sample", str(pairs.path), *asked])
    with pytest.raises(SystemExit) as end:
        main()
    error = capsys.readouterr().err
    assert end.value.code == 2
    assert said in error
    assert error.count("\n") == 1
