"""The command line: the verbs, each a thin layer over the Python functions. Nothing heavy is imported to show help."""

# ruff: noqa: I001  verbs are imported in the order in which help shows them

from __future__ import annotations

import sys

import typer

from anew.cli import train, sample, edit, report, look  # noqa: F401
from anew.cli.base import app
from anew.errors import AnewError

__all__ = ["app", "main"]


def main() -> None:
    """The command `anew`: mistakes of the user are one line and exit code 2; --debug shows where they came from."""
    debug = "--debug" in sys.argv
    arguments = [argument for argument in sys.argv[1:] if argument != "--debug"]
    try:
        app(arguments)
    except AnewError as error:
        if debug:
            raise
        typer.echo(f"anew: {error}", err=True)
        raise SystemExit(2) from None
    except KeyboardInterrupt:
        raise SystemExit(130) from None
