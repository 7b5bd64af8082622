"""The command, and what its verbs share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from anew.errors import AnewError

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    help="Train generative models from scratch on your own data, and make more of it.\n\n"
    "Start with: [bold]anew train photos/[/bold]   or, without data of your own:   [bold]anew train digits[/bold]",
)

edit = typer.Typer(no_args_is_help=True, help="Change what is there: fill in what is missing, find what is wished for.")
app.add_typer(edit, name="edit")

Folder = Annotated[Path, typer.Argument(metavar="RUN", help="A run folder, such as runs/photos.")]
Given = Annotated[list[str] | None, typer.Option("--given", metavar="NAME=VALUE", help="What samples shall have.")]


def names_of(text: str | None) -> tuple[str, ...]:
    """ "age, zip" -> ("age", "zip")"""
    return tuple(name.strip() for name in (text or "").split(",") if name.strip())


def pairs_of(texts: list[str] | None, option: str) -> dict[str, Any]:
    """["label=7"] -> {"label": "7"}"""
    for text in texts or ():
        if "=" not in text:
            raise AnewError(f"{option} {text} has no value; expected NAME=VALUE")
    return dict(text.split("=", 1) for text in texts or ())
