"""Families trained in the latent space of a run: the codec between, and all that a run is asked for."""

from __future__ import annotations

import json
import os
import shutil
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import anew
from anew.codecs import make_codec
from anew.codecs.dataset import fingerprint, prepare
from anew.codecs.image import features as image_features
from anew.errors import AnewError
from anew.evaluation import build, gather
from anew.evaluation.gather import Effort
from anew.latent import REACH, LatentCodec, encoders
from anew.models import build as build_model
from anew.models import recipes
from anew.models.model import Encodes
from anew.run import Run
from anew.sources import open_source
from anew.spaces import Grid
from anew.training.trainer import Trainer
from toys import SPACES, home

TINY = {"width": 8, "batch": 16, "guard": False}
MAP = {"latent": 2, "map": 2, "blocks": 1}


def train(out: Path, model: str = "auto", source: str | Path = "digits", **arguments: Any) -> Run:
    arguments = {"settings": TINY, "examples": 96, **arguments}
    return anew.train(source, model, size=1, precision="fp32", out=out, show=False, **arguments)


@pytest.fixture(scope="module")
def maps(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Digits as latents (2, 4, 4)."""
    return train(tmp_path_factory.mktemp("maps") / "ae", "autoencoder", settings=TINY | MAP)


@pytest.fixture(scope="module")
def vectors(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Digits as latents (4,)."""
    return train(tmp_path_factory.mktemp("vectors") / "vae", "vae", settings=TINY | {"latent": 4})


@pytest.fixture(scope="module")
def latent(tmp_path_factory: pytest.TempPathFactory, maps: Run) -> Run:
    """A run in a copy of `maps`, which is then gone."""
    folder = tmp_path_factory.mktemp("latent")
    shutil.copytree(maps.path, folder / "ae")
    run = train(folder / "run", inside=folder / "ae", given="label", settings=TINY | {"steps": 2, "blocks": 1})
    shutil.rmtree(folder / "ae")
    return run


@pytest.fixture
def copied(latent: Run, tmp_path: Path) -> Path:
    return Path(shutil.copytree(latent.path, tmp_path / "copy"))


def same(a: anew.Samples, b: anew.Samples) -> bool:
    return all(np.array_equal(x, y) for x, y in zip(a, b, strict=True))


def digits() -> list[Any]:
    source = open_source("digits")
    codec = make_codec(source.codec)
    return [codec.load(record.content) for record in list(source)[:100]]


# --- the codec


@pytest.mark.parametrize(
    ("name", "space"), [("maps", Grid(2, (4, 4))), ("vectors", Grid(4, (1,)))], ids=["map", "vector"]
)
def test_latents_are_standardised_per_channel(name: str, space: Grid, request: pytest.FixtureRequest):
    codec, loaded = request.getfixturevalue(name).latents(), digits()
    codec.fit(iter(loaded))
    x = codec.encode(loaded)
    assert codec.space == space
    assert space.contains(x)
    channels = x.movedim(1, -1).flatten(0, -2)
    assert torch.allclose(channels.mean(0), torch.zeros(space.channels), atol=0.03)  # what is beyond is clamped
    assert torch.allclose(REACH * channels.std(0), torch.ones(space.channels), atol=0.1)


def test_decoded_is_the_models_reconstruction(maps: Run):
    codec, loaded = maps.latents(), digits()
    codec.fit(iter(loaded))
    x = codec.encode(loaded)
    inside = (x.abs() < 1).flatten(1).all(1)  # nothing was clamped
    model = maps.model
    with torch.no_grad():
        expected = model.decode(model.encode(maps.codec.encode(loaded)))
    decoded = codec.decode(codec.space.unpack(codec.space.pack(x)))
    assert inside.sum() > 10
    for index in inside.nonzero().flatten().tolist():
        (wanted,) = maps.codec.decode(expected[index : index + 1])
        difference = np.asarray(decoded[index]).astype(int) - np.asarray(wanted).astype(int)
        assert np.abs(difference).max() <= 2 * 255 / 16  # digits have 17 levels


def test_latents_that_never_change(vectors: Run):
    codec, loaded = vectors.latents(), digits()
    codec.fit(iter(loaded[:1] * 9))
    x = codec.encode(loaded[:1])
    assert x.abs().max() < 0.1
    assert codec.space.contains(codec.encode(loaded))


def test_the_key_follows_the_weights(maps: Run):
    source, codec = open_source("digits"), maps.latents()
    before = fingerprint(source, codec, ())
    assert fingerprint(source, maps.latents(), ()) == before
    model = build_model("autoencoder", maps.codec.space, None, 1, maps.info["model"]["configuration"])
    model.load_state_dict(maps.model.state_dict())
    other = LatentCodec(maps.codec, model)
    assert fingerprint(source, other, ()) == before
    with torch.no_grad():
        next(model.parameters()).view(-1)[0] += 1e-3
    assert fingerprint(source, other, ()) != before
    assert fingerprint(source, make_codec("image"), ()) != before


def test_encoders_are_the_recipes_whose_models_encode():
    made = {name: build_model(name, SPACES[home(name)], None, 1) for name in recipes()}
    assert encoders() == [name for name, model in made.items() if isinstance(model, Encodes)]


def test_rows_of_a_table_as_latents():
    source = open_source("wine")
    rows = prepare(source, make_codec(source.codec))
    model = build_model("tvae", rows.space, None, 1, {"width": 8, "latent": 4}).eval()
    data = prepare(source, LatentCodec(rows.codec, model), ["target"])
    assert data.space == Grid(4, (1,))
    assert [len(data.train), len(data.test)] == [len(rows.train), len(rows.test)]
    assert data.given_space is not None
    assert data.given_space.fields[0].values == 3
    assert len(data.codec.decode(data.test.batch(torch.arange(3)).x)) == 3


# --- runs


def test_by_itself_a_map_gets_flow_matching(latent: Run):
    assert latent.info["model"]["recipe"] == "flow_matching"
    assert latent.model.space == Grid(2, (4, 4))
    assert latent.codec.describe() == "8x8 grey in 17 levels (as 2x4x4 latents)"


def test_samples_are_of_the_data_and_need_no_other_folder(latent: Run, tmp_path: Path):
    samples = latent.sample(3, {"label": 3}, seed=1)
    assert [sample.size for sample in samples] == [(8, 8)] * 3
    assert same(anew.load(latent.path).sample(3, {"label": 3}, seed=1), samples)
    assert samples.given == [{"label": 3}] * 3
    assert not same(latent.sample(3, {"label": 3}, seed=2), samples)
    for ending in (".png", ".npz", ".parquet", ""):
        samples.save(tmp_path / f"x{ending}")
    assert np.load(tmp_path / "x.npz")["x"].shape == (3, 8, 8)
    assert (tmp_path / "x/3/00000.png").exists()
    assert list((latent.path / "samples").iterdir())


@pytest.mark.parametrize("recipe", ["vae", "gan"])
def test_families_that_need_no_picture_take_vectors(recipe: str, vectors: Run, tmp_path: Path):
    run = train(tmp_path / "run", recipe, inside=vectors.path)
    assert run.model.space == Grid(4, (1,))
    assert [sample.size for sample in run.sample(2)] == [(8, 8)] * 2


def test_by_themselves_vectors_get_a_vae(vectors: Run, tmp_path: Path):
    assert train(tmp_path / "run", inside=vectors.path).info["model"]["recipe"] == "vae"


def test_families_that_need_a_picture_say_so(vectors: Run, tmp_path: Path):
    with pytest.raises(AnewError, match="dimensions"):
        train(tmp_path / "run", "flow_matching", inside=vectors.path)
    assert not (tmp_path / "run" / "run.json").exists()


def test_an_autoencoder_that_was_given_labels(tmp_path: Path):
    inner = train(tmp_path / "ae", "autoencoder", given="label", settings=TINY | MAP)
    run = train(tmp_path / "run", "gan", inside=inner.path)
    shutil.rmtree(inner.path)
    assert len(anew.load(run.path).sample(2)) == 2


def test_other_data_are_read_as_the_autoencoder_does(maps: Run, tmp_path: Path):
    rng = np.random.default_rng(0)
    (tmp_path / "photos").mkdir()
    for i in range(12):
        Image.fromarray(rng.integers(0, 256, (20, 30, 3), np.uint8)).save(tmp_path / "photos" / f"{i}.png")
    run = train(tmp_path / "run", "gan", source=tmp_path / "photos", inside=maps.path)
    assert [(sample.size, sample.mode) for sample in run.sample(1)] == [((8, 8), "L")]
    data = run.open_data(original=True)
    assert data.space == maps.codec.space
    assert len(data.train) == run.info["source"]["train"]


def test_stopped_and_gone_on_with_is_uninterrupted(maps: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    asked: dict[str, Any] = {"model": "gan", "inside": maps.path, "examples": 16 * 12}
    whole = train(tmp_path / "whole", **asked)
    advance, steps = Trainer.advance, []

    def signalled(self: Trainer) -> Any:
        steps.append(self.step)
        if steps == list(range(5)):
            os.kill(os.getpid(), signal.SIGINT)
        return advance(self)

    monkeypatch.setattr(Trainer, "advance", signalled)
    stopped = train(tmp_path / "stopped", **asked)
    assert not stopped.finished
    assert len(stopped.sample(2)) == 2
    again = train(tmp_path / "stopped", **asked)
    assert steps == list(range(12))
    assert again.weights.read_bytes() == whole.weights.read_bytes()


def test_data_are_encoded_once(maps: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    train(tmp_path / "one", "gan", inside=maps.path)
    monkeypatch.delattr(LatentCodec, "encode")
    train(tmp_path / "two", "gan", inside=maps.path, seed=1)


def test_the_splits_are_those_of_the_data(latent: Run):
    latents, originals = latent.open_data(), latent.open_data(original=True)
    assert latents.space == latent.model.space
    digit = prepare(open_source("digits"), make_codec("image"), ["label"])
    for name in ("train", "validation", "test"):
        one, other, plain = (getattr(data, name) for data in (latents, originals, digit))
        assert torch.equal(one.given, other.given)
        assert torch.equal(other.x, plain.x)
        assert len(one) == len(other)


def test_reports_measure_against_the_data_themselves(latent: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setattr(gather, "FULL", Effort(30, 200))
    monkeypatch.setattr(image_features, "_STEPS", 2)
    report = latent.report(tmp_path)
    assert report.run["model"] == "flow_matching, size 1, in the latent space of autoencoder, size 1"
    assert f"--in {latent.info['inside']}" in report.commands[0]
    plain = train(tmp_path / "plain", "gan", given="label")
    reports = build.compare([latent, plain], tmp_path / "comparison.html")
    assert [one.run["kind"] for one in reports] == ["8x8 grey in 17 levels"] * 2


def test_data_that_changed(copied: Path):
    run = Run.load(copied)
    run.info["source"]["fingerprint"] = "another"
    with pytest.raises(AnewError, match="changed since"):
        run.open_data(original=True)


def test_the_same_request_is_the_same_run(maps: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    asked: dict[str, Any] = {"size": 1, "examples": 32, "precision": "fp32", "settings": TINY, "show": False}
    paths = [anew.train("digits", "gan", inside=inside, **asked).path for inside in (None, maps.path, maps.path)]
    assert paths == [Path("runs/digits"), Path("runs/digits-2"), Path("runs/digits-2")]


def test_a_start_that_was_killed_can_be_started_again(maps: Run, tmp_path: Path):
    left = tmp_path / "run/inner/weights.safetensors"
    left.parent.mkdir(parents=True)
    left.write_text("half")
    run = train(tmp_path / "run", "gan", inside=maps.path)
    assert left.read_bytes() == maps.weights.read_bytes()
    assert len(run.sample(1)) == 1


# --- mistakes


def refused(tmp_path: Path, **arguments: Any) -> str:
    """The message, in one line, after which nothing was begun."""
    with pytest.raises(AnewError) as caught:
        train(tmp_path / "refused", **arguments)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "refused" / "run.json").exists()
    return str(caught.value)


def test_inside_something_that_is_no_run(tmp_path: Path):
    assert "is not a whole run folder" in refused(tmp_path, inside=tmp_path / "nothing")


def test_inside_a_run_that_cannot_encode(tmp_path: Path):
    run = train(tmp_path / "gan", "gan")
    message = refused(tmp_path, inside=run.path)
    assert "no latent space" in message
    assert "autoencoder" in message


def test_inside_an_unfinished_run(maps: Run, tmp_path: Path):
    folder = Path(shutil.copytree(maps.path, tmp_path / "copy"))
    info = json.loads((folder / "run.json").read_text())
    del info["result"]
    (folder / "run.json").write_text(json.dumps(info))
    assert "is not finished" in refused(tmp_path, inside=folder)


def test_inside_a_run_that_is_inside_another(maps: Run, tmp_path: Path):
    run = train(tmp_path / "outer", "vae", inside=maps.path, settings=TINY | {"latent": 2})
    assert "itself trained in a latent space" in refused(tmp_path, inside=run.path)


def test_codec_settings_do_not_go_with_it(maps: Run, tmp_path: Path):
    message = refused(tmp_path, inside=maps.path, settings={"codec.size": 16})
    assert message.startswith("--set codec.size does not go with --in")


def test_inside_a_run_of_another_kind_of_data(maps: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    from anew.sources.digits import Digits

    monkeypatch.setattr(Digits, "codec", "table")
    assert "was trained on data of the kind image, 'digits' is table" in refused(tmp_path, inside=maps.path)


# --- damage


@pytest.mark.parametrize(
    "content", ["{}", '{"mean": [0]}', '{"mean": [0], "deviation": [1]}', '{"mean": [0, "x"], "deviation": [1, 1]}']
)
def test_damaged_scales(content: str, copied: Path):
    (copied / "codec" / "x.json").write_text(content)
    with pytest.raises(AnewError, match="damaged"):
        Run.load(copied).sample(1)


@pytest.mark.parametrize("file", ["run.json", "weights.safetensors", "codec/x.json"])
def test_inner_files_that_are_gone(file: str, copied: Path):
    (copied / "inner" / file).unlink()
    with pytest.raises(AnewError) as caught:
        Run.load(copied).sample(1)
    assert "\n" not in str(caught.value)


def test_a_run_that_holds_itself_ends_with_an_error(copied: Path):
    shutil.rmtree(copied / "inner")
    (copied / "inner").symlink_to(".")
    with pytest.raises(AnewError, match="itself trained in a latent space"):
        Run.load(copied).sample(1)
