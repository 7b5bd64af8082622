"""`anew edit`"""

from __future__ import annotations

from typing import Annotated

import typer

from anew.cli.base import Folder, Given, edit, pairs_of
from anew.errors import AnewError


@edit.command(
    epilog="Example:  anew edit complete runs/people --data holes.csv --out whole.csv   or, of music:  "
    "anew edit complete runs/tunes --data x.mid?bars=5-8 --out new/"
)
def complete(
    run: Folder,
    data: Annotated[
        str, typer.Option(metavar="SOURCE", help="A table with holes, levels with ?, texts with [...], music, graphs.")
    ],
    out: Annotated[str, typer.Option(help="x.csv, x.parquet, SQL; x.png, a folder.")],
    seed: Annotated[int, typer.Option(help="Another seed fills in others.")] = 0,
) -> None:
    """Fill in missing cells of tables, tiles of levels, gaps in texts, bars of music or nodes of graphs."""
    from anew.display import bars
    from anew.run import Run
    from anew.samples import check_target

    opened = Run.load(run)
    check_target(out, opened.codec)
    with bars() as on_progress:
        samples = opened.complete(data, seed, on_progress)
    typer.echo(samples.save(out))


@edit.command(epilog="Example:  anew edit search runs/mazes --wish steps=40 --repair --out hard/")
def search(
    run: Folder,
    wish: Annotated[list[str], typer.Option("--wish", metavar="TRAIT=NUMBER", help="What to come near to.")],
    out: Annotated[str, typer.Option(help="x.png, x.npz, x.parquet, or a folder.")],
    n: Annotated[int, typer.Option("-n", "--number", help="How many.")] = 16,
    given: Given = None,
    seed: Annotated[int, typer.Option(help="Another seed finds others.")] = 0,
    repair: Annotated[bool, typer.Option("--repair", help="Of levels: count once they are solvable.")] = False,
) -> None:
    """Find samples with wished properties in the latent space of a model."""
    from anew.display import bars
    from anew.editing.search import search as find
    from anew.run import Run
    from anew.samples import check_target

    opened = Run.load(run)
    check_target(out, opened.codec)
    wishes = {name: _number(name, text) for name, text in pairs_of(wish, "--wish").items()}
    with bars() as on_progress:
        found = find(opened, wishes, n, pairs_of(given, "--given"), seed, mend=repair, on_progress=on_progress)
    typer.echo(found.save(out))


def _number(name: str, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise AnewError(f"--wish {name}={text} is no number; expected such as {name}=40") from None
