"""What a user may see: every message says what happened, what was expected and how to fix it, in one line."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


class AnewError(Exception):
    """A mistake in the input or the environment that the user can mend. The CLI prints it and exits with 2."""


def unknown(what: str, name: str, known: Iterable[str]) -> AnewError:
    """An error for a name that is not in the table, with the nearest one that is."""
    names = sorted(known)
    near = get_close_matches(name, names, n=1, cutoff=0.5)
    hint = f"did you mean '{near[0]}'?" if near else f"choose from: {', '.join(names) or 'none'}"
    return AnewError(f"unknown {what} '{name}'; {hint}")
