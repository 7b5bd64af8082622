"""The layers of anew/nn/gnn.py beside torch_geometric's, with the same weights on the same graphs: outputs, gradients
and time, as a list of edges and as a matrix. torch_geometric has an environment of its own (environment.py).
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

NODES, EDGES, WIDTH, HEADS = 1000, 4000, 64, 4
REPEATS = 20
TOLERANCE = 1e-5  # of the largest number of the output


def compare() -> list[dict[str, Any]]:
    """Within torch_geometric's environment."""
    import torch
    from torch import nn

    torch.manual_seed(0)
    torch.set_num_threads(1)
    pairs = torch.randint(NODES, (2, EDGES))
    pairs = pairs[:, pairs[0] != pairs[1]]
    edges = torch.cat([pairs, pairs.flip(0)], 1).unique(dim=1)
    x = torch.randn(NODES, WIDTH)
    rows = []
    for name, ours, theirs in layers(nn):
        for parameter in theirs.parameters():
            nn.init.normal_(parameter, std=0.2)
        give(name, theirs, ours)
        rows.append(beside(name, ours, theirs, x, edges))
    return rows


def layers(nn: Any) -> list[tuple[str, Any, Any]]:
    from torch_geometric.nn import GATConv, GCNConv, GINConv

    from anew.nn.gnn import GAT, GCN, GIN
    from anew.nn.mlp import mlp

    def network() -> Any:
        return mlp([WIDTH, WIDTH, WIDTH])

    return [
        ("GCN", GCN(WIDTH, WIDTH), GCNConv(WIDTH, WIDTH)),
        ("GAT", GAT(WIDTH, WIDTH, HEADS), GATConv(WIDTH, WIDTH // HEADS, HEADS)),
        ("GAT, averaged", GAT(WIDTH, WIDTH, HEADS, mean=True), GATConv(WIDTH, WIDTH, HEADS, concat=False)),
        ("GIN", GIN(network()), GINConv(network(), train_eps=True)),
    ]


def give(name: str, theirs: Any, ours: Any) -> None:
    """Our layer the weights of theirs."""
    import torch

    with torch.no_grad():
        if name == "GIN":
            ours.network.load_state_dict(theirs.nn.state_dict())
            ours.epsilon.copy_(theirs.eps.squeeze())
            return
        ours.linear.weight.copy_(theirs.lin.weight)
        ours.bias.copy_(theirs.bias)
        if name != "GCN":
            ours.left.copy_(theirs.att_dst[0])
            ours.right.copy_(theirs.att_src[0])


def beside(name: str, ours: Any, theirs: Any, x: Any, edges: Any) -> dict[str, Any]:
    """Largest differences relative to the largest number, and milliseconds of a forward and a backward pass."""
    import torch

    from anew.nn.gnn import Dense, Sparse

    adjacency = torch.zeros(NODES, NODES).index_put((edges[1], edges[0]), torch.ones(edges.shape[1]))
    forms: dict[str, Callable[[Any], Any]] = {
        "torch_geometric": lambda h: theirs(h, edges),
        "list": lambda h: ours(h, Sparse(edges)),
        "matrix": lambda h: ours(h[None], Dense(adjacency[None]))[0],
    }
    found, times = {}, {}
    for form, forward in forms.items():
        found[form] = once(forward, x)  # which warms up, too
        start = time.perf_counter()
        for _ in range(REPEATS):
            once(forward, x)
        times[form] = 1000 * (time.perf_counter() - start) / REPEATS
    reference = found["torch_geometric"]
    apart = {
        f"{form} {what}": float((a - b).abs().max() / b.abs().max())
        for form in ("list", "matrix")
        for what, a, b in zip(("output", "gradient"), found[form], reference)
    }
    return {"layer": name, **apart, **{f"{form} ms": value for form, value in times.items()}}


def once(forward: Callable[[Any], Any], x: Any) -> tuple[Any, Any]:
    """The output, and the gradient of x."""
    h = x.clone().requires_grad_(True)
    out = forward(h)
    out.square().sum().backward()
    return out.detach(), h.grad


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)  # in torch_geometric's environment
    if parser.parse_args().inside:
        print(json.dumps(compare()))
        return
    import environment
    import machine
    from rich.table import Table

    console, others = machine.console(), machine.Others()
    source = str(Path(__file__).parent.parent / "src")
    command = [str(environment.interpreter("geometric")), __file__, "--inside"]
    ended = subprocess.run(command, env={**os.environ, "PYTHONPATH": source}, stdout=subprocess.PIPE, check=True)
    rows = json.loads(ended.stdout.splitlines()[-1])
    table = Table(*rows[0])
    for row in rows:
        table.add_row(*(f"{value:.2g}" if isinstance(value, float) else value for value in row.values()))
    console.print(table)
    record = machine.record(others, results=rows)
    machine.tell(console, record)
    console.print(f"written: {machine.write(record, 'layers')}")
    worst = max(value for row in rows for key, value in row.items() if key.endswith(("output", "gradient")))
    if worst > TOLERANCE:
        sys.exit(f"layers differ by {worst:.1e}, more than {TOLERANCE:.0e}")


if __name__ == "__main__":
    main()
