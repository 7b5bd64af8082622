"""Graphs: how far those of anew's recipes are from held-out ones, beside the figures that papers give.

Each recipe trains for --minutes on the training split. As many samples as there are held-out graphs (validation and
test, a fifth of all) are compared with these by the literature's distances: MMD² with the kernel that papers on each
set have. The floor has as many training graphs in the place of samples. Below stand the figures of papers, from graphs
of the same kind, with splits and numbers of samples of their own: to be read for their size, not for their digits.
V.U.N. is the share of samples that are valid, unique and new (no training graph), by isomorphism.

ENZYMES (Morris et al. 2020) is measured if its folder is given: --data enzymes/
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import machine
import networkx as nx
import numpy as np
import torch
from rich.console import Console
from rich.table import Table

import anew
from anew.codecs import make_codec
from anew.codecs.dataset import Split, prepare
from anew.codecs.graph.statistics import statistics
from anew.errors import AnewError
from anew.evaluation.graph_classes import valid_unique_new
from anew.evaluation.graph_distances import DEVIATIONS, distances
from anew.sources import open_source

RECIPES = ("autoregressive", "graph-vae", "erdos-renyi", "configuration-model", "block-model")
Figures = dict[str, float | None]


def figures(*values: float | None) -> Figures:
    return dict(zip(("degrees", "clustering", "orbits", "spectrum", "V.U.N."), values))


@dataclass(frozen=True)
class Data:
    """Where the graphs are, how their papers measure, what is valid, and what was published."""

    location: str
    kernel: str
    valid: Callable[[nx.Graph], bool]
    published: dict[str, Figures] = field(default_factory=dict)
    note: str = ""


def is_planar(graph: nx.Graph) -> bool:
    return connected(graph) and nx.check_planarity(graph)[0]


def is_grid(graph: nx.Graph) -> bool:
    sides = [a for a in range(1, 1 + int(len(graph) ** 0.5)) if len(graph) % a == 0]
    same = (nx.grid_2d_graph(a, len(graph) // a) for a in sides)
    return any(nx.faster_could_be_isomorphic(graph, one) and nx.is_isomorphic(graph, one) for one in same)


def connected(graph: nx.Graph) -> bool:
    return len(graph) > 0 and nx.is_connected(graph)


def sets(enzymes: Path | None) -> dict[str, Data]:
    found = {
        "community": Data(
            "community", "emd", connected,
            {
                "GraphRNN (You et al. 2018, table 2)": figures(0.03, 0.03, 0.01),
                "GraphVAE (as measured there)": figures(0.35, 0.98, 0.54),
            },
        ),
        "planar": Data(
            "planar", "tv", is_planar,
            {
                "GRAN (Martinkus et al. 2022)": figures(0.0007, 0.0426, 0.0009, 0.0075, 0.0),
                "GraphRNN (as measured there)": figures(0.0049, 0.2779, 1.2543, 0.0459, 0.0),
            },
        ),
        "grid": Data(
            "grid-graphs", "tv", is_grid,
            {
                "GRAN (Liao et al. 2019, table 1)": figures(8.23e-4, 3.79e-3, 1.59e-3, 1.62e-2),
                "GraphRNN (as measured there)": figures(1.12e-2, 7.73e-5, 1.03e-3, 1.18e-2),
            },
            "sides of 3 to 12 nodes; those of the papers have 10 to 19",
        ),
    }  # fmt: skip
    if enzymes:
        published = {"GraphRNN (Jo et al. 2022)": figures(0.017, 0.062, 0.046)}
        found["enzymes"] = Data(str(enzymes), "emd", connected, published)
    return found


def graphs_of(split: Split) -> torch.Tensor:
    return split.batch(torch.arange(len(split))).x


def counted(graphs: list[nx.Graph]) -> dict[str, np.ndarray]:
    return statistics(nx.to_numpy_array(graph, weight=None) > 0 for graph in graphs)


def measure(name: str, data: Data, arguments: argparse.Namespace) -> list[dict[str, Any]]:
    """A row for the floor and for each recipe."""
    source = open_source(data.location)
    dataset = prepare(source, make_codec(source.codec))
    train = dataset.codec.decode(graphs_of(dataset.train))
    held_out = dataset.codec.decode(torch.cat([graphs_of(dataset.validation), graphs_of(dataset.test)]))
    reference, some = counted(held_out), np.random.default_rng(0).permutation(len(train))[: len(held_out)]
    rows = [{"set": name, "recipe": "floor", **distances(counted([train[i] for i in some]), reference, data.kernel)}]
    for recipe in arguments.recipes:
        with tempfile.TemporaryDirectory() as folder:
            run = anew.train(data.location, recipe, minutes=arguments.minutes, out=Path(folder) / "run", show=False)
            samples = [*run.sample(len(held_out), seed=1)]
            facts = {key: run.info["result"][key] for key in ("seconds", "examples")}
        found = distances(counted(samples), reference, data.kernel)
        told = {"V.U.N.": valid_unique_new(samples, train, data.valid), **facts}
        rows.append({"set": name, "recipe": recipe, **found, **told})
    return rows


def show(console: Console, name: str, data: Data, rows: list[dict[str, Any]]) -> None:
    kernel = {"tv": "Gaussian of the total variation", "emd": "Gaussian of the earth mover's distance"}[data.kernel]
    columns = [*DEVIATIONS, "V.U.N.", "seconds", "examples"]
    table = Table("", *columns, title=f"{name}: MMD², {kernel}{'; ' * bool(data.note)}{data.note}")
    published = [{"recipe": paper, **values} for paper, values in data.published.items()]
    for row in rows + published:
        table.add_row(row["recipe"], *("" if row.get(key) is None else f"{row[key]:,.4g}" for key in columns))
    console.print(table)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="the folder of ENZYMES")
    parser.add_argument("--sets", nargs="+", help="community, planar, grid, enzymes; all if nothing is said")
    parser.add_argument("--recipes", nargs="+", default=list(RECIPES))
    parser.add_argument("--minutes", type=float, default=5.0, help="of training, for each")
    parser.add_argument("--quick", action="store_true", help="a smoke test; writes no result")
    arguments = parser.parse_args()
    arguments.minutes = 0.05 if arguments.quick else arguments.minutes
    known = sets(arguments.data)
    if unknown := set(arguments.sets or ()) - known.keys():
        raise AnewError(f"there is no set '{unknown.pop()}'; choose from: {', '.join(known)} (enzymes needs --data)")
    console, others, results = machine.console(), machine.Others(), []
    for name in arguments.sets or known:
        rows = measure(name, known[name], arguments)
        show(console, name, known[name], rows)
        results += rows
    if not arguments.quick:
        record = machine.record(others, minutes=arguments.minutes, results=results)
        machine.tell(console, record)
        console.print(f"written: {machine.write(record, 'graphs')}")


if __name__ == "__main__":
    main()
