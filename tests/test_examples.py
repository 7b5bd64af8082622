"""The examples run, as people run them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parent.parent / "examples"


@pytest.mark.slow
@pytest.mark.parametrize("script", sorted(EXAMPLES.glob("*.py")), ids=lambda script: script.name)
def test_example(script: Path, tmp_path: Path) -> None:
    out = tmp_path / "a run"
    command = [sys.executable, str(script), "--out", str(out), "--minutes", "0.1"]
    ended = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, timeout=300, check=False)
    assert ended.returncode == 0, ended.stderr
    named = [Path(line.strip()) for line in ended.stdout.splitlines() if line.startswith("  ")]
    assert len(named) == 3
    assert all(path.exists() for path in named)
