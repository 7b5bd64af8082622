"""The bricks of a Transformer that stand in for torch's on processors, beside these: forward and backward, in turns.

    bench/run bricks [--threads 2]

Norms are given fp32, the others bf16, as in training. The ratio is torch's time over anew's: the median over the
rounds, and the least and the most.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from statistics import median
from typing import Any

import machine
import torch
import torch.nn.functional as F
from rich.table import Table
from torch import Tensor, nn

from anew.nn.dropout import Dropout
from anew.nn.norm import RMSNorm
from anew.nn.transformer import attend

SHAPES = ((16, 128, 192), (32, 256, 384))  # windows, places, width
HEAD = 64
ROUNDS, REPEATS = 7, 10
Layer = Callable[[Tensor], Tensor]


def bricks(width: int) -> dict[str, tuple[Layer, Layer]]:
    """{name: (anew's, torch's)}"""
    return {
        "dropout": (Dropout(0.1), nn.Dropout(0.1)),
        "RMS norm": (RMSNorm(width), nn.RMSNorm(width)),
        "attention": (_attention(attend), _attention(torchs)),
    }


def _attention(kernel: Callable[[Tensor, Tensor, Tensor], Tensor]) -> Layer:
    def layer(x: Tensor) -> Tensor:
        heads = x.unflatten(2, (-1, HEAD)).transpose(1, 2)
        return kernel(heads, heads, heads)

    return layer


def torchs(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    return F.scaled_dot_product_attention(q, k, v, is_causal=True)


def seconds(layer: Layer, x: Tensor) -> float:
    """Of a forward and a backward pass."""
    start = time.perf_counter()
    for _ in range(REPEATS):
        with torch.autocast("cpu", torch.bfloat16):
            y = layer(x)
        y.backward(torch.ones_like(y))
    return (time.perf_counter() - start) / REPEATS


def beside(name: str, layers: tuple[Layer, Layer], shape: tuple[int, ...]) -> dict[str, Any]:
    dtype = torch.float32 if name == "RMS norm" else torch.bfloat16
    x = torch.randn(shape, dtype=dtype, requires_grad=True)
    rounds = [[seconds(layer, x) for layer in layers] for _ in range(ROUNDS + 1)][1:]
    ours, theirs = (1000 * median(times) for times in zip(*rounds))
    ratios = [other / own for own, other in rounds]
    return {
        "brick": name, "shape": shape, "milliseconds": ours, "torch_milliseconds": theirs,
        "ratio": [median(ratios), min(ratios), max(ratios)],
    }  # fmt: skip


def table(rows: list[dict[str, Any]]) -> Table:
    out = Table("brick", "windows x places x width", "ms", "torch's, ms", "ratio")
    for row in rows:
        times = (f"{row[key]:.2f}" for key in ("milliseconds", "torch_milliseconds"))
        ratio = "{:.2f} [{:.2f}, {:.2f}]".format(*row["ratio"])
        out.add_row(row["brick"], " x ".join(map(str, row["shape"])), *times, ratio)
    return out


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--quick", action="store_true", help="a smoke test; writes no result")
    arguments, others, console = parser.parse_args(), machine.Others(), machine.console()
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(0)
    shapes = SHAPES[:1] if arguments.quick else SHAPES
    rows = [beside(name, layers, shape) for shape in shapes for name, layers in bricks(shape[2]).items()]
    console.print(table(rows))
    record = machine.record(others, threads=arguments.threads, results=rows)
    machine.tell(console, record)
    if not arguments.quick:
        console.print(f"written: {machine.write(record, 'bricks')}")


if __name__ == "__main__":
    main()
