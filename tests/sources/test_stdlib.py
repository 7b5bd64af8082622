"""Code and docstrings of the Python that runs."""

from __future__ import annotations

import sysconfig
from pathlib import Path

import pytest

from anew.sources import builtins, open_source
from anew.sources.source import Source

MODULE = '''"""A module."""

class A:
    @property
    def f(self):
        """Says
            it."""  # so
        return 1

    def g(self):
        """Only this."""

    async def h(self,
                x):
        "猫"

        # kept
        return x

def none():
    return 1

def aside(): """Both on one line."""; return 1

def long():
    """Much."""
    %s
    return 1
''' % ("x = 1\n    " * 200)


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small standard library."""
    monkeypatch.setattr(sysconfig, "get_path", lambda name: str(tmp_path))
    files = {"b.py": MODULE, "a.py": "x = 1\n", "json/c.py": "y = '\\d'\n", "empty.py": "", "notes.txt": "words"}
    left_out = ("test/d.py", "json/tests/e.py", "idlelib/f.py", "site-packages/g.py", "config-3.11-x/h.py")
    for name, text in files.items() | dict.fromkeys(left_out, "z = 1\n").items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


def names(source: Source) -> list[str]:
    return [record.name for record in source]


def test_the_library_without_tests(library: Path):
    source = open_source("python-stdlib")
    assert names(source) == ["a.py", "b.py", "json/c.py"]
    assert len(source) == 3
    assert source.codec == "code"
    before = source.fingerprint()
    (library / "a.py").write_text("x = 22\n")
    assert open_source("python-stdlib").fingerprint() != before


@pytest.mark.filterwarnings("error")
@pytest.mark.usefixtures("library")
def test_docstrings_and_functions():
    source = open_source("python-docstrings")
    found = {record.name: (record.given, record.content) for record in source}
    assert found == {
        "b.py: f": ({"docstring": "Says\nit."}, "@property\ndef f(self):\n    return 1\n"),
        "b.py: h": ({"docstring": "猫"}, "async def h(self,\n            x):\n\n    # kept\n    return x\n"),
    }
    assert len(source) == 2


def test_the_real_one():
    source = open_source("python-stdlib")
    assert {"ast.py", "json/decoder.py"} <= set(names(source))
    assert not [name for name in names(source) if "/test/" in f"/{name}"]
    assert {"python-stdlib", "python-docstrings", "dates"} <= builtins().keys()
