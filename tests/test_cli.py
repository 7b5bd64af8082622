"""The verbs: their help, their mistakes in one line, and a run from data to samples."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import anew
from anew import cli
from anew.models import RECIPES
from anew.sources import builtins
from anew.training.trainer import Trainer

VERBS = ["train", "sample", "chat", "report", "compare", "list"]
SMALL = ["--model", "gan", "--size", "1", "--examples", "64", "--precision", "fp32"]
SMALL += ["--set", "width=2", "--set", "batch=16"]


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path):
    """call("sample", "run") -> (exit code, stdout, stderr), in an empty folder"""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")

    def run(*arguments: str) -> tuple[int, str, str]:
        capsys.readouterr()
        monkeypatch.setattr(sys, "argv", ["anew", *arguments])
        code = 0
        try:
            cli.main()
        except SystemExit as end:
            code = int(end.code or 0)
        told = capsys.readouterr()
        return code, told.out, told.err

    return run


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> str:
    out = tmp_path_factory.mktemp("trained") / "run"
    settings = {"width": 2, "batch": 16}
    anew.train("digits", "gan", given="label", size=1, examples=64, settings=settings, out=out, show=False)
    return str(out)


# --- help


def test_help_names_the_verbs(call):
    code, out, _ = call("--help")
    assert code == 0
    assert all(verb in out for verb in VERBS)
    assert "anew train photos/" in out


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_an_example(verb: str, call):
    code, out, _ = call(verb, "--help")
    assert code == 0
    assert f"Example:  anew {verb}" in out


HELP = """
import sys
from anew.cli import main

sys.argv = ["anew", "train", "--help"]
try:
    main()
except SystemExit:
    heavy = ("torch", "numpy", "pandas", "PIL", "sklearn", "lightning_fabric")
    print([name for name in heavy if name in sys.modules])
"""


def test_help_imports_nothing_heavy():
    shown = subprocess.run([sys.executable, "-c", HELP], capture_output=True, text=True, check=True).stdout
    assert shown.rstrip().endswith("[]")


def test_nothing_asked_is_help(call):
    _, out, err = call()
    assert "train" in out + err


# --- mistakes

MISTAKES = [
    (["train", "digit"], "did you mean 'digits'"),
    (["train", "no/such"], "there is no file or folder 'no/such'"),
    (["train", "digits", "--model", "vea"], "did you mean 'vae'"),
    (["train", "digits", "--size", "9"], "the size '9' is not possible"),
    (["train", "digits", "--in", "no-run"], "is not a whole run folder"),
    (["train", "digits", "--minutes", "-1"], "minutes cannot be -1"),
    (["train", "digits", "--minutes", "1", "--examples", "1"], "give one of the two"),
    (["train", "digits", "--set", "lr"], "--set lr has no value; expected NAME=VALUE"),
    (["train", "digits", *SMALL, "--set", "widht=3"], "did you mean 'width'"),
    (["train", "digits", "--precision", "fp8"], "unknown precision 'fp8'"),
    (["train", "digits", "--given", "lable", *SMALL], "nothing is known of 'lable'"),
    (["sample", "no-run"], "is not a whole run folder"),
    (["report", "no-run"], "is not a whole run folder"),
    (["report"], "give a run, or else --real and --generated"),
    (["report", "--real", "digits"], "give a run, or else --real and --generated"),
    (["report", "no-run", "--real", "digits"], "a run knows its data"),
    (["report", "no-run", "-n", "3"], "is not a whole run folder"),
    (["report", "--selftest"], "give a run, or else --real and --generated"),
    (["report", "--selftest", "no-run"], "is not a whole run folder"),
    (["report", "--real", "digits", "--generated", "no/such"], "there is no file or folder 'no/such'"),
    (["compare", "no-run"], "give two or more"),
    (["compare", "no-run", "other"], "is not a whole run folder"),
    (["list", "modles"], "did you mean 'models'"),
]


@pytest.mark.parametrize(("arguments", "message"), MISTAKES, ids=[" ".join(words) for words, _ in MISTAKES])
def test_a_mistake_is_one_line(arguments: list[str], message: str, call):
    code, out, err = call(*arguments)
    last = err.splitlines()[-1]
    assert code == 2
    assert last.startswith("anew: ")
    assert message in last
    assert "Traceback" not in err
    assert out == ""


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["-n", "0"], "cannot make 0 samples"),
        (["--given", "label"], "--given label has no value"),
        (["--given", "colour=1"], "'colour' was not given in training"),
        (["--given", "label=11"], "unknown label '11'"),
        (["--out", "x.jpg"], "cannot save samples as '.jpg'"),
        (["--out", "taken/x"], "cannot be written"),
    ],
)
def test_a_mistake_in_sampling_is_one_line(arguments: list[str], message: str, call, trained: str):
    Path("taken").touch()
    code, out, err = call("sample", trained, *arguments)
    assert code == 2
    assert err.startswith("anew: ")
    assert message in err
    assert err.count("\n") == 1
    assert out == ""


@pytest.mark.parametrize("arguments", [["train"], ["train", "digits", "--minutes", "x"], ["nonsense"], ["sample"]])
def test_a_command_that_is_no_command(arguments: list[str], call):
    code, _, err = call(*arguments)
    assert code == 2
    assert "Traceback" not in err


def test_debug_shows_where_it_came_from():
    command = [sys.executable, "-m", "anew.cli", "--debug", "sample", "no-run"]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode != 0
    assert "Traceback" in ended.stderr
    assert "AnewError" in ended.stderr


def test_as_a_program():
    command = [sys.executable, "-m", "anew.cli", "list", "nonsense"]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr == "anew: unknown list 'nonsense'; choose from: data, models\n"


def test_interrupted(call, monkeypatch: pytest.MonkeyPatch):
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("anew.training.train.train", interrupt)
    code, _, err = call("train", "digits")
    assert code == 130
    assert "Traceback" not in err


# --- the verbs


def test_from_data_to_samples(call):
    code, out, err = call("train", "digits", *SMALL, "--given", "label")
    assert (code, out) == (0, "now:  anew sample runs/digits   and   anew report runs/digits\n")
    assert "1,797" not in out
    assert "held out" in err
    code, out, _ = call("train", "digits", *SMALL, "--given", "label")
    assert code == 0
    code, out, _ = call("sample", "runs/digits", "-n", "6", "--given", "label=3", "--out", "x.npz")
    assert (code, out) == (0, "x.npz\n")
    with np.load("x.npz") as arrays:
        assert arrays["x"].shape == (6, 8, 8)
        assert arrays["label"].tolist() == [3] * 6
    code, out, _ = call("sample", "runs/digits", "--seed", "2")
    assert (code, out) == (0, "runs/digits/samples-seed2.png\n")
    assert Path("runs/digits/samples-seed2.png").read_bytes().startswith(b"\x89PNG")


def test_in_the_latent_space_of_a_run(call):
    autoencoder = ["--model", "vae", *SMALL[2:], "--set", "latent=2", "--out", "ae"]
    assert call("train", "digits", *autoencoder)[0] == 0
    code, _, err = call("train", "digits", *SMALL, "--in", "ae", "--out", "run")
    assert code == 0
    assert "8x8 grey in 17 levels (as 2 latents)" in err
    code, out, _ = call("sample", "run", "-n", "4", "--out", "x.npz")
    assert (code, out) == (0, "x.npz\n")
    with np.load("x.npz") as arrays:
        assert arrays["x"].shape == (4, 8, 8)


def test_an_unfinished_run_says_so(call, monkeypatch: pytest.MonkeyPatch):
    advance = Trainer.advance

    def interrupted(self: Trainer):
        os.kill(os.getpid(), signal.SIGINT)
        return advance(self)

    monkeypatch.setattr(Trainer, "advance", interrupted)
    code, out, err = call("train", "digits", *SMALL, "--out", "run")
    assert code == 130
    assert "the same command goes on from here" in err
    assert out == ""


def test_lists(call):
    _, models, _ = call("list", "models")
    assert all(name in models for name in RECIPES)
    _, data, _ = call("list", "data")
    assert all(name in data for name in builtins())
