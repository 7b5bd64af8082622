"""`anew analyze` and `anew list`"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from anew.cli.base import app


@app.command(epilog="Example:  anew analyze friends.graphml   or, without a network of your own:  anew analyze karate")
def analyze(
    network: Annotated[str, typer.Argument(metavar="NETWORK", help="A file such as friends.graphml, or a built-in.")],
    out: Annotated[Path | None, typer.Option(help="A folder (analysis/NETWORK if nothing is said).")] = None,
    links: Annotated[int, typer.Option(min=0, help="How many links that may be missing are listed.")] = 20,
    alike: Annotated[int, typer.Option(min=0, help="How many networks that are like it are made.")] = 0,
    seed: Annotated[int, typer.Option(help="Of communities, roles, guesses and look-alikes.")] = 0,
) -> None:
    """Look at one network: which nodes matter, which belong together, and which links may be missing."""
    from anew.analysis import analyze as analyze_network
    from anew.display import bars, console, say_table

    out = out or Path("analysis") / Path(network).stem
    with bars() as on_progress:
        made = analyze_network(network, out, links, seed, on_progress, alike)
    say_table([*made.facts.items()])
    nodes = made.nodes.head(10)[["node", "degree", "betweenness", "pagerank", "community"]]
    cells = nodes.map(lambda cell: f"{cell:.4g}" if isinstance(cell, float) else str(cell))
    console.print()
    say_table([[*cells.columns], *cells.to_numpy().tolist()])
    typer.echo(out / "network.html")


@app.command("list", epilog="Example:  anew list models")
def list_(what: Annotated[str, typer.Argument(metavar="models|data", help="models or data")]) -> None:
    """The models and the built-in data that there are."""
    from rich.console import Console
    from rich.table import Table

    from anew.errors import unknown

    if what not in ("models", "data"):
        raise unknown("list", what, ("models", "data"))
    table = Table(box=None, show_header=False)
    for name, about in _members(what).items():
        table.add_row(f"[bold]{name}[/bold]", about)
    Console().print(table)


def _members(what: str) -> dict[str, str]:
    if what == "models":
        from anew.models import recipes

        return {name: about for name, (_, about) in recipes().items()}
    from anew.sources import builtins, readable

    return builtins() | readable()
