"""The environments of the peers that make tables: one for each, made when it is first needed.

A peer's file in bench/environments/ lists it and all that it imports, besides torch, which is anew's version for all.
They are installed without asking for more, so a peer cannot pull in a second torch.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

BENCH = Path(__file__).parent
CONSTRAINTS = BENCH.parent / "constraints.txt"
PEERS = tuple(sorted(path.stem for path in (BENCH / "environments").glob("*.txt")))


class NoEnvironment(Exception):
    """A peer that could not be installed."""


def interpreter(peer: str) -> Path:
    """The Python of its environment, which is made anew if its list has changed. Raises NoEnvironment."""
    folder, packages = BENCH / f".venv-{peer}", BENCH / "environments" / f"{peer}.txt"
    ready, wanted = folder / ".ready", f"{_torch()}\n{packages.read_text(encoding='utf-8')}"
    if not ready.exists() or ready.read_text(encoding="utf-8") != wanted:
        shutil.rmtree(folder, ignore_errors=True)
        _run(peer, sys.executable, "-m", "venv", folder)
        install = (folder / "bin" / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
        _run(peer, *install, _torch())
        _run(peer, *install, "--no-deps", "-r", packages)
        ready.write_text(wanted, encoding="utf-8")
    return folder / "bin" / "python"


def _torch() -> str:
    return next(line for line in CONSTRAINTS.read_text(encoding="utf-8").splitlines() if line.startswith("torch=="))


def _run(peer: str, *command: str | Path) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["it ended"])[-1]
        raise NoEnvironment(f"{peer} cannot be installed: {last}")
