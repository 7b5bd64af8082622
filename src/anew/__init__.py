"""anew learns what your data look like, and makes more of it."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from anew.codecs.text.grammar import Grammar
    from anew.errors import AnewError
    from anew.evaluation.judge import judge
    from anew.nn.decoding import Style
    from anew.run import Run
    from anew.samples import Samples
    from anew.training.train import train

    load = Run.load

__version__ = "0.1.0"
__all__ = ["AnewError", "Grammar", "Run", "Samples", "Style", "judge", "load", "train"]

_HOMES = {
    "AnewError": "anew.errors",
    "Grammar": "anew.codecs.text.grammar",
    "Run": "anew.run",
    "Samples": "anew.samples",
    "Style": "anew.nn.decoding",
    "judge": "anew.evaluation.judge",
    "train": "anew.training.train",
}


def __getattr__(name: str) -> Any:
    """Everything is imported when it is first used, so that `import anew` is instant."""
    if name == "load":
        return import_module("anew.run").Run.load
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'anew' has no attribute '{name}'")
