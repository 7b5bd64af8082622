"""What `train` makes of its arguments."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import anew
from anew.errors import AnewError
from anew.models import build
from anew.run import Run
from anew.spaces import Grid
from anew.training import decide, metrics
from anew.writing import alone

SMALL: dict[str, Any] = {
    "model": "gan", "size": 1, "examples": 64, "precision": "fp32", "settings": {"width": 2, "batch": 16},
    "show": False,
}  # fmt: skip


def train(source: str | Path = "digits", **arguments: Any) -> Run:
    return anew.train(source, **{**SMALL, **arguments})


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def pictures(folder: Path, n: int = 12) -> Path:
    rng = np.random.default_rng(0)
    for i in range(n):
        path = folder / "ab"[i % 2] / f"{i}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 256, (8, 8), dtype=np.uint8)).save(path)
    return folder


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"model": "vea"}, "unknown model 'vea'; did you mean 'vae'"),
        ({"model": "nothing like it"}, "choose from: auto, "),
        ({"minutes": 1, "examples": 1}, "give one of the two"),
        ({"examples": None, "minutes": -1}, "minutes cannot be -1"),
        ({"examples": None, "minutes": 0}, "minutes cannot be 0"),
        ({"examples": None, "minutes": float("nan")}, "minutes cannot be nan"),
        ({"examples": None, "minutes": float("inf")}, "minutes cannot be inf"),
        ({"examples": 0}, "examples cannot be 0"),
        ({"devices": 0}, "devices cannot be 0"),
        ({"size": 9}, "size '9' is not possible"),
        ({"size": "big"}, "expected auto, or 1"),
        ({"precision": "fp16"}, "unknown precision 'fp16'"),
        ({"settings": {"widht": 3}}, "did you mean 'width'"),
        ({"settings": {"width": "many"}}, "'width' cannot be 'many'"),
        ({"settings": {"lr": -1}}, "'lr' cannot be '-1'; expected a number from 0 up"),
        ({"settings": {"batch": 0}}, "'batch' cannot be '0'; expected 1 or more"),
        ({"settings": {"betas": "0.9"}}, "'betas' cannot be '0.9'"),
        ({"settings": {"decay": "cosin"}}, "did you mean 'cosine'"),
        ({"settings": {"codec.sice": 8}}, "did you mean 'codec.size'"),
        ({"settings": {"codec.size": 2}}, "codec.size=2 is out of range"),
        ({"given": "labl"}, "label"),
        ({"source": "digit"}, "did you mean 'digits'"),
        ({"source": "no/such/folder"}, "there is no file or folder"),
    ],
)
def test_what_cannot_be_done_is_refused(arguments: dict[str, Any], message: str):
    with pytest.raises(AnewError) as caught:
        train(**{"out": "run", **arguments})
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not Path("run").exists()


def test_out_is_a_file():
    Path("run").write_text("mine")
    with pytest.raises(AnewError, match="'run' is a file"):
        train(out="run")
    assert Path("run").read_text() == "mine"


def test_out_holds_other_files():
    Path("run").mkdir()
    Path("run/thesis.doc").touch()
    with pytest.raises(AnewError, match=r"other files \(thesis.doc\); choose another --out"):
        train(out="run")


def test_out_cannot_be_written():
    with pytest.raises(AnewError, match="cannot be written"):
        train(out="/proc/run")


def test_a_start_that_was_killed_can_be_started_again():
    for left in ("codec/x.json", ".run.json.77.new", "codec/.given.json.77.new"):
        path = Path("run") / left
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text('{"half')
    run = train(out="run")
    assert run.finished
    assert not list(Path("run").rglob("*.new"))


def test_the_folder_is_named_after_the_source():
    assert train().path == Path("runs/digits")
    assert train().path == Path("runs/digits")  # the same request: the same run
    assert train(seed=1).path == Path("runs/digits-2")
    assert train(given="label").path == Path("runs/digits-3")
    assert train(seed=1).path == Path("runs/digits-2")
    assert train(pictures(Path("photos"))).path == Path("runs/photos")


@pytest.mark.parametrize(
    "other",
    [{"seed": 1}, {"examples": 65}, {"model": "vae"}, {"given": "label"}, {"settings": {"width": 4}}, {"size": 2}],
)
def test_out_holds_a_run_that_was_asked_for_otherwise(other: dict[str, Any]):
    train(out="run")
    before = {path: path.read_bytes() for path in Path("run").rglob("*") if path.is_file()}
    with pytest.raises(AnewError, match=f"asked for otherwise.*{next(iter(other))}"):
        train(out="run", **other)
    assert {path: path.read_bytes() for path in Path("run").rglob("*") if path.is_file()} == before


def test_data_that_changed():
    source = pictures(Path("photos"))
    train(source, out="run")
    (source / "a" / "0.png").unlink()
    with pytest.raises(AnewError, match="the data have changed"):
        train(source, out="run")
    assert train(source).path == Path("runs/photos")


def test_data_that_are_gone():
    source = pictures(Path("photos"))
    run = train(source, out="run")
    source.rename("moved")
    assert len(run.sample(2)) == 2  # a run stands by itself
    with pytest.raises(AnewError, match="there is no file or folder"):
        train(source, out="run")


def test_a_finished_run_stays_as_it_is():
    before = train(out="run").weights.stat().st_mtime_ns
    assert train(out="run").weights.stat().st_mtime_ns == before


def test_a_run_says_all_that_repeats_it():
    run = train(out="run", given=("label",), seed=3)
    info = json.loads(Path("run/run.json").read_text())
    assert info == run.info
    assert info["request"]["settings"] == {"width": "2", "batch": "16"}
    assert info["training"] == {
        "examples": 64, "precision": "fp32", "channels_last": False, "seed": 3,
        "threads": info["training"]["threads"], "devices": 1, "minutes": None,
    }  # fmt: skip
    assert info["source"]["train"] + info["source"]["validation"] + info["source"]["test"] == 1797
    model = info["model"]
    config = build(model["recipe"], Grid(1, (8, 8)), None, model["size"], model["configuration"]).config
    assert (config.width, config.batch) == (2, 16)
    assert info["result"]["examples"] == 64


def test_what_a_run_holds():
    run = train(out="run", examples=16 * 20, given="label")
    found = {str(path.relative_to("run")) for path in Path("run").rglob("*") if path.is_file()}
    previews = {name for name in found if name.startswith("samples/")}
    assert found - previews == {
        "run.json", "codec/x.json", "codec/given.json", "weights.safetensors", "checkpoint/state.safetensors",
        "metrics.jsonl", ".lock",
    }  # fmt: skip
    assert len(previews) == 10
    records = metrics.read(run.metrics)
    assert [record["examples"] for record in records] == [16 * step for step in range(1, 21)]
    assert {"seconds", "examples_per_second", "discriminator_loss", "generator_loss"} <= records[0].keys()


def test_samples_that_nobody_judges_take_a_small_share_of_the_time(monkeypatch):
    monkeypatch.setattr("anew.training.loop.DRAWN", 0.0)  # the first ones take more than that
    train(out="judged", examples=16 * 20)
    Path("tale.txt").write_text("".join(f"There were {n} cats.\n" for n in range(200)))
    settings = {"width": 16, "layers": 1, "context": 32, "batch": 16, "codec.length": 32}
    train("tale.txt", out="explained", model="autoregressive", examples=16 * 20, settings=settings)
    assert [len(list(Path(out, "samples").iterdir())) for out in ("judged", "explained")] == [10, 2]
    assert Path("explained/samples/0000000320.png").exists()


def test_minutes_become_a_number_of_examples():
    settings = {"width": 2, "batch": 16, "guard": False}  # so small a GAN may well be stopped
    run = train(out="run", examples=None, minutes=0.02, precision="auto", settings=settings)
    plan = run.info["training"]
    assert plan["examples"] > 16
    assert 16 < run.info["result"]["examples"] < 10 * plan["examples"]  # fewer, if the trial was too quick
    assert 0.2 < run.info["result"]["seconds"] < 12  # 1.2 asked for, on a machine that does other things too


def trial_of(seconds: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each step takes so long in the trial before training."""
    trial = decide.choose
    monkeypatch.setattr(decide, "choose", lambda *asked: trial(*asked)._replace(seconds=seconds))


def test_minutes_are_kept_where_the_trial_was_too_quick(monkeypatch: pytest.MonkeyPatch):
    trial_of(1e-4, monkeypatch)
    run = train(out="run", examples=None, minutes=0.02, settings={"width": 2, "batch": 16, "guard": False})
    planned, seen = run.info["training"]["examples"], run.info["result"]["examples"]
    assert planned // 10 - 16 <= seen < planned / 2  # time is looked at after every tenth
    assert run.finished


def test_minutes_are_used_where_the_trial_was_too_slow(monkeypatch: pytest.MonkeyPatch):
    trial_of(0.3, monkeypatch)  # as where the machine was busy just then
    settings = {"width": 2, "batch": 16, "guard": False}
    run = train(out="run", examples=None, minutes=0.02, settings=settings)
    assert run.info["result"]["examples"] > 2 * run.info["training"]["examples"]
    run = train(out="passes", examples=None, minutes=0.02, settings={**settings, "passes": 1})
    assert run.info["result"]["examples"] <= run.info["source"]["train"]


def test_passes_over_the_data_are_a_limit():
    settings = {**SMALL["settings"], "passes": 2}
    run = train(examples=10**6, settings=settings)
    assert run.info["training"]["examples"] == 2 * run.info["source"]["train"]
    assert train(examples=64, settings=settings, out="few").info["training"]["examples"] == 64


def test_given_may_be_one_name():
    assert train(given="label", out="run").info["given"] == ["label"]


def test_progress_is_told_in_lines(capsys: pytest.CaptureFixture[str]):
    train(out="run", show=True)
    told = capsys.readouterr()
    assert told.out == ""
    assert "to train on" in told.err
    assert "100 %" in told.err
    assert "Traceback" not in told.err


def test_divergence():
    with pytest.raises(AnewError, match="diverged") as caught:
        train(out="run", model="vae", examples=16 * 200, settings={"width": 2, "batch": 16, "lr": 1e30, "clip": 0})
    assert "--set lr=" in str(caught.value)


def test_bad_pictures_are_left_out_and_named(capsys: pytest.CaptureFixture[str]):
    source = pictures(Path("photos"))
    (source / "a" / "broken.png").write_bytes(b"not a picture")
    run = train(source, out="run", show=True)
    assert run.info["source"]["skipped"] == 1
    assert "broken.png" in capsys.readouterr().err


def test_one_process_at_a_time_trains_a_run() -> None:
    run = train()
    del run.info["result"]
    run.save()
    with alone(run.path), pytest.raises(AnewError, match="another process is training"):
        train()
    assert train().finished
