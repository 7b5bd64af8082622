"""One network, looked at: which nodes matter, which belong together, and which links may be missing."""

from __future__ import annotations

from anew.analysis.network import Analysis, analyze

__all__ = ["Analysis", "analyze"]
