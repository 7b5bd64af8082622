"""`anew train`"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from anew.cli.base import app, pairs_of


@app.command(epilog="Example:  anew train photos/ --minutes 5 --given label")
def train(
    source: Annotated[str, typer.Argument(metavar="SOURCE", help="A folder, a file, or a built-in such as digits.")],
    model: Annotated[str, typer.Option(help="auto, or a name from: anew list models")] = "auto",
    given: Annotated[list[str] | None, typer.Option(metavar="NAME", help="What to follow, such as label.")] = None,
    inside: Annotated[
        Path | None, typer.Option("--in", metavar="RUN", help="Train in the latent space of this run.")
    ] = None,
    size: Annotated[str, typer.Option(help="auto, or 1 (small) to 6 (large).")] = "auto",
    minutes: Annotated[float | None, typer.Option(help="How long to train (5 if nothing is said).")] = None,
    examples: Annotated[int | None, typer.Option(help="Or: how many examples, repeats counted.")] = None,
    out: Annotated[Path | None, typer.Option(help="The run folder (runs/SOURCE if nothing is said).")] = None,
    seed: Annotated[int, typer.Option(help="Another seed is another run.")] = 0,
    settings: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="lr=1e-3, codec.size=32, ...")
    ] = None,
    devices: Annotated[int, typer.Option(help="GPUs, or processes where there is none.")] = 1,
    precision: Annotated[str, typer.Option(help="auto, bf16 or fp32.")] = "auto",
    private: Annotated[
        float | None, typer.Option(metavar="EPSILON", help="With differential privacy: 1 is strong, 10 is weak.")
    ] = None,
) -> None:
    """Learn what SOURCE looks like. The same command again goes on where it was stopped."""
    from anew.training.train import train as run_training

    run = run_training(
        source, model, given=given or (), inside=inside, size=size, minutes=minutes, examples=examples, out=out,
        seed=seed, settings=pairs_of(settings, "--set"), devices=devices, precision=precision,
        private=private,
    )  # fmt: skip
    if not run.finished:
        raise typer.Exit(130)
    typer.echo(f"now:  anew sample {run.path}   and   anew report {run.path}")
