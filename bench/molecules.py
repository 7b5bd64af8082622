"""Molecules: how many samples of each recipe are valid, different and new, and how alike they are to real ones.

    bench/run molecules [--minutes 10] [--recipes autoregressive graph-vae]

The data are the 3,741 molecules of 3 to 20 atoms that come with RDKit. Valid is what RDKit finds no fault with (and is
in one piece, for "whole"); unique and new are of canonical SMILES among the valid. QED, logP and SA are means.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import Any

import machine
import networkx as nx
import numpy as np
import torch
from rich.table import Table

import anew
from anew.codecs import make_codec
from anew.codecs.dataset import Split, prepare
from anew.codecs.graph.molecule import MoleculeCodec, smiles
from anew.sources import open_source

MEANS = ("atoms", "rings", "QED", "logP", "SA")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recipes", nargs="+", default=["autoregressive", "graph-vae"])
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("-n", type=int, default=1000)
    arguments, others, console = parser.parse_args(), machine.Others(), machine.console()
    dataset = prepare(open_source("molecules"), make_codec("molecule"))
    codec = dataset.codec
    assert isinstance(codec, MoleculeCodec)
    known = {smiles(graph) for graph in graphs_of(codec, dataset.train)}
    rows = [{"recipe": "held out", **count(codec, graphs_of(codec, dataset.test), known)}]
    for recipe in arguments.recipes:
        with tempfile.TemporaryDirectory() as folder:
            out = Path(folder) / "run"
            run = anew.train("molecules", recipe, minutes=arguments.minutes, out=out, show=False)
            facts = {key: run.info["result"][key] for key in ("seconds", "examples")}
            rows.append({"recipe": recipe, **count(codec, [*run.sample(arguments.n, seed=1)], known), **facts})
    table = Table(*rows[-1], title=f"molecules, {arguments.n:,} samples")
    for row in rows:
        cells = (row.get(key, "") for key in rows[-1])
        table.add_row(*(f"{cell:.4g}" if isinstance(cell, float) else str(cell) for cell in cells))
    console.print(table)
    record = machine.record(others, minutes=arguments.minutes, results=rows)
    machine.tell(console, record)
    console.print(f"written: {machine.write(record, 'molecules')}")


def graphs_of(codec: MoleculeCodec, split: Split) -> list[nx.Graph]:
    return codec.decode(split.batch(torch.arange(len(split))).x)


def count(codec: MoleculeCodec, graphs: list[nx.Graph], known: set[str]) -> dict[str, Any]:
    traits = codec.traits(graphs)
    valid, whole = traits["valid"], traits["valid"] & traits["connected"]
    names = [smiles(graph) for graph, good in zip(graphs, valid) if good]
    shares = {"valid": valid, "whole": whole, "new": [name not in known for name in names]}
    found = {key: float(np.mean(values)) for key, values in shares.items()} | {"unique": len({*names}) / len(names)}
    return found | {name: float(np.mean(traits[name][valid])) for name in MEANS}


if __name__ == "__main__":
    main()
