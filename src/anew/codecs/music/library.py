"""symusic, which reads and writes MIDI, or how to get it."""

from __future__ import annotations

from anew.errors import AnewError

try:
    from symusic import Note, Score, Tempo, TimeSignature, Track
except ImportError as error:
    raise AnewError("music is read and written by symusic: pip install 'anew[music]'") from error

__all__ = ["Note", "Score", "Tempo", "TimeSignature", "Track"]
