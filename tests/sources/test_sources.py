"""Opening: what is accepted, what the messages say, and what an import costs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from anew.errors import AnewError
from anew.sources import SOURCES, builtins, open_source


def test_import_is_light():
    code = "import sys, anew.sources; print([m for m in sys.modules])"
    modules = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    for heavy in ("'torch'", "'pandas'", "'pyarrow'", "'PIL'", "'sklearn'"):
        assert heavy not in modules


def test_listing_the_builtins_is_light_too():
    code = "import sys, anew.sources as s; s.builtins(); print([m for m in sys.modules])"
    modules = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    for heavy in ("'torch'", "'pandas'", "'pyarrow'", "'PIL'", "'sklearn'"):
        assert heavy not in modules


def test_digits():
    source = open_source("digits")
    records = list(source)
    assert len(records) == len(source) == 1797
    assert records[0].content.shape == (8, 8)
    assert records[0].given == {"label": 0}
    assert max(r.content.max() for r in records) == 255
    assert source.fingerprint() == open_source("digits").fingerprint()
    assert "digits" in builtins()


@pytest.mark.parametrize(
    ("location", "words"),
    [
        ("digts", ["did you mean 'digits'"]),
        ("/no/such/place", ["no file or folder", "digits"]),
        ("x" * 5000, []),
        ("with\0null", ["no file or folder"]),
    ],
)
def test_nothing_there(location: str, words: list[str]):
    with pytest.raises(AnewError) as error:
        open_source(location)
    assert all(word in str(error.value) for word in words)


def test_empty_folder(tmp_path: Path):
    with pytest.raises(AnewError, match=r"is empty.*folder of images"):
        open_source(tmp_path)


def test_folder_with_nothing_readable(tmp_path: Path):
    (tmp_path / "notes.doc").write_text("hello")
    with pytest.raises(AnewError, match=r"\.doc.*parquet"):
        open_source(tmp_path)


def test_kind_of_file_that_is_not_read(tmp_path: Path):
    (tmp_path / "photo.psd2").write_text("hello")
    with pytest.raises(AnewError, match=r"not a kind of file.*zip"):
        open_source(tmp_path / "photo.psd2")


def test_plug_in(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    (tmp_path / "plug_in_source.py").write_text(
        "from anew.sources.digits import Digits\nclass More(Digits):\n    builtin = 'more'\n    reads = 'more digits'\n"
    )
    info = tmp_path / "plug_in-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: plug-in\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[anew.sources]\nmore = plug_in_source:More\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert len(open_source("more")) == 1797
    assert builtins()["more"] == "more digits"


def test_broken_plug_in_is_named(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(SOURCES, "broken", "no_such_module:Source")
    with pytest.raises(AnewError, match="'broken'"):
        open_source("/no/such/place")
