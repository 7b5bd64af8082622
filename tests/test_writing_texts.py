"""Text from the command line: it is typed as it is drawn, begins and ends as asked for, and dialogues are answered."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

import anew
from anew.cli import app
from anew.display import Typing
from anew.errors import AnewError
from anew.run import Run
from anew.sampler import cut

SETTINGS = {"width": 32, "layers": 1, "context": 32, "batch": 16}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("dialogues")
    messages = [[("user", f"Hi {i}"), ("assistant", "Hello!")] for i in range(40)]
    rows = [{"messages": [{"role": role, "content": said} for role, said in turns]} for turns in messages]
    (folder / "dialogues.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return anew.train(
        folder / "dialogues.jsonl", size=1, examples=16 * 250, precision="fp32", out=folder / "run",
        settings=SETTINGS, show=False,
    )  # fmt: skip


def invoke(*arguments: str, told: str = "") -> str:
    found = CliRunner().invoke(app, list(arguments), input=told, catch_exceptions=False)
    assert found.exit_code == 0
    return found.stdout


def test_typing_waits_until_a_letter_is_whole():
    written: list[str] = []
    typing = Typing(lambda codes: bytes(code - 1 for code in codes).decode(errors="replace"), written.append)
    for byte in "a猫b".encode():
        typing([byte + 1])
    typing([0])
    assert "".join(written) == "a猫b"
    assert written == ["a", "", "", "猫", "b", ""]


def test_text_is_written_to_the_terminal(run: Run):
    said = invoke("sample", str(run.path), "--prompt", "<|user|>Hi", "--temperature", "0.1")
    assert said.startswith("<|user|>Hi")
    assert said == run.sample(1, prompt="<|user|>Hi", style=anew.Style(temperature=0.1)).items[0] + "\n"
    assert invoke("sample", str(run.path), "-n", "3").count("-----") >= 2
    assert not list(run.path.glob("*.txt"))


def test_text_ends_where_it_shall(run: Run):
    assert cut("one two three", ["three", "two"]) == "one "
    assert cut("one", []) == "one"
    said = run.sample(8, stop=["<|assistant|>"], length=30)
    assert not any("<|assistant|>" in text for text in said)
    assert all(len(text.encode()) <= 30 for text in said)


def test_a_dialogue_is_answered(run: Run):
    said = invoke("chat", str(run.path), "--temperature", "0.1", told="Hi 3\nHi 4\n\n")
    assert said.count("Hello!") == 2
    history, answer = run.answer("", "Hi 5", anew.Style(temperature=0.1))
    assert history == f"<|user|>Hi 5\n<|assistant|>{answer}\n"


def test_a_long_dialogue_is_cut(run: Run):
    said = "".join(f"<|user|>Hi {i}\n<|assistant|>Hello!\n" for i in range(50))
    assert run.answer(said, "Hi 7", anew.Style(temperature=0.1))[1]


def test_other_data_have_no_prompt(tmp_path: Path):
    small = {"batch": 16, "width": 2}
    run = anew.train("digits", "gan", size=1, examples=32, precision="fp32", out=tmp_path, settings=small, show=False)
    for asked in ({"prompt": "a"}, {"stop": ["a"]}):
        with pytest.raises(AnewError, match="are no text"):
            run.sample(1, **asked)  # type: ignore[arg-type]
    with pytest.raises(AnewError, match="does not write from left to right"):
        run.sample(1, style=anew.Style(temperature=0.5))
    with pytest.raises(AnewError, match="nobody answers"):
        run.answer("", "Hi")
