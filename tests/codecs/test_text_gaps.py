"""Gaps in texts are filled by models that see what is before them, or on both sides, and the rest stays."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

import anew
from anew.cli import app
from anew.codecs import make_codec
from anew.codecs.text.codec import TextCodec
from anew.codecs.text.gaps import USUAL
from anew.drawing import fill_gaps
from anew.errors import AnewError
from anew.run import Run
from toys import tiny

TEXTS = ["One 猫 and two.\n", "naïve café, twice, and then once again.\n"] * 20


def fitted(name: str = "text", **options: str) -> TextCodec:
    codec = make_codec(name, options)
    assert isinstance(codec, TextCodec)
    codec.fit(codec.load(text) for text in TEXTS)
    return codec


def test_gaps_are_open():
    codec = fitted()
    x = codec.holes([codec.load("a[...3]b[...]"), codec.load("[...1]")])
    assert x.shape == (2, codec.space.length)
    assert x[0, :6].tolist() == [98, -1, -1, -1, 99, -1]
    assert (x == -1).sum(1).tolist() == [3 + USUAL, 1]
    assert x[0, 5 + USUAL :].tolist() == [0] * (codec.space.length - 5 - USUAL)


def test_texts_without_gaps_and_long_ones_are_refused():
    codec = fitted()
    with pytest.raises(AnewError, match=r"write one as \[\.\.\.\]"):
        codec.holes([codec.load("none [...x] here [..]")])
    for text in ("a" * 100 + "[...]", "[...999999999]"):
        with pytest.raises(AnewError, match="were learned; give a part of it"):
            codec.holes([codec.load(text)])


@pytest.mark.parametrize("name", ["text", "code"])
@pytest.mark.parametrize("options", [{}, {"codes": "parts", "vocabulary": "270"}], ids=["bytes", "parts"])
@pytest.mark.parametrize("recipe", ["autoregressive", "masked-diffusion", "text-vae", "ngram"])
def test_what_stands_there_stays_and_the_rest_is_text(recipe: str, options: dict[str, str], name: str):
    codec = fitted(name, **options | ({"fill": "0.5"} if name == "code" else {}))
    model = tiny(recipe, codec.space).eval()
    asked = ["猫[...5]猫", "[...]é", "two [...2] and [...3]"] * 6
    known = codec.holes([codec.load(text) for text in asked])
    x = fill_gaps(model, known, None, 0, codec.gaps)
    assert codec.space.contains(x)
    for text, made in zip(asked, codec.decode(x)):
        parts = text.replace("[...2]", "[...]").replace("[...3]", "[...]").replace("[...5]", "[...]").split("[...]")
        assert made.startswith(parts[0])
        assert made.endswith(parts[-1])
        assert all(part in made for part in parts)
        assert "\ufffd" not in made
    alone = fill_gaps(model, known[:1], None, 0, codec.gaps)
    assert torch.equal(alone, x[:1])


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("texts")
    for i in range(60):
        (folder / f"{i}.txt").write_text(("ab" if i % 2 else "cd") * (8 + i % 5))
    settings = {"width": 32, "layers": 2, "batch": 16}
    return anew.train(
        folder, "masked-diffusion", size=1, examples=16 * 150, precision="fp32", out=folder / "run",
        settings=settings, show=False,
    )  # fmt: skip


def test_both_sides_are_seen(run: Run, tmp_path: Path):
    for name, text in (("a", "[...8]ababababab"), ("b", "[...8]cdcdcdcdcd"), ("c", "cdcd[...4]cdcd")):
        (tmp_path / f"{name}.txt").write_text(text)
    command = ["edit", "complete", str(run.path), "--data", str(tmp_path), "--out", str(tmp_path / "whole.jsonl")]
    assert CliRunner().invoke(app, command, catch_exceptions=False).exit_code == 0
    made = list(run.complete(tmp_path))
    assert made[0].endswith("ababababab")
    assert len(made[0]) > len("ababababab")
    assert set(made[0]) == {"a", "b"}
    assert set(made[1]) == {"c", "d"}
    assert made == list(run.complete(str(tmp_path)))
