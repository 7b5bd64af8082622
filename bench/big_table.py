"""Large tables: seconds and peak memory of preparing, training and sampling, for sizes that show what grows with rows.

The tables are made by bench/table_generator.py. Each phase is a process of its own, whose peak memory the system tells.
Training takes --seconds whatever the size; what it takes besides is shown as its overhead. As many rows are sampled.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import machine
import table_generator
from rich.console import Console
from rich.table import Table

PREPARE = """
import sys
from anew.codecs.dataset import prepare
from anew.run import codec_for
from anew.sources import open_source
source = open_source(sys.argv[1])
prepare(source, codec_for(source, {}, None))
"""
PHASES = ("prepare", "train", "sample")
KILOBYTES = 1 if sys.platform == "darwin" else 1024  # bytes in a unit of ru_maxrss


class Failed(Exception):
    """A phase that did not end well."""


def measure(rows: int, arguments: argparse.Namespace, console: Console) -> dict[str, Any]:
    """{"rows", "megabytes" of the file, phase: {"seconds", "megabytes" at most}}; raises Failed."""
    folder = arguments.work / f"{rows}x{arguments.columns}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    table, run, made = folder / "table.csv", folder / "run", folder / "made.csv"
    table_generator.write(table, rows, arguments.columns, arguments.categories, arguments.seed)
    anew = Path(sys.executable).with_name("anew")
    commands = {
        "prepare": [sys.executable, "-c", PREPARE, table],
        "train": [anew, "train", table, f"--minutes={arguments.seconds / 60}", f"--out={run}"],
        "sample": [anew, "sample", run, f"--number={rows}", f"--out={made}"],
    }
    result: dict[str, Any] = {"rows": rows, "columns": arguments.columns, "megabytes": table.stat().st_size / 1e6}
    for phase in PHASES:
        console.print(f"{rows:,} rows: {phase} ...", highlight=False)
        result[phase] = _apart(commands[phase], folder)
    told = json.loads((run / "run.json").read_text(encoding="utf-8"))["result"]["seconds"]
    result["train"]["overhead"] = result["train"]["seconds"] - told
    if not arguments.keep:
        shutil.rmtree(folder)
    return result


def _apart(command: list[Any], folder: Path) -> dict[str, float]:
    """{"seconds", "megabytes"} of a process that works with a cache in the folder."""
    start = time.perf_counter()
    with (folder / "log.txt").open("a", encoding="utf-8") as log:
        process = subprocess.Popen(
            command, stdout=log, stderr=log, env=os.environ | {"ANEW_CACHE": str(folder / "cache")}
        )
        _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        last = (folder / "log.txt").read_text(errors="replace").strip().splitlines() or ["it ended"]
        raise Failed(f"{last[-1]} (exit code {process.returncode}, {folder / 'log.txt'})")
    return {"seconds": time.perf_counter() - start, "megabytes": usage.ru_maxrss * KILOBYTES / 1e6}


def table(results: list[dict[str, Any]]) -> Table:
    """Seconds; microseconds per row, which stay the same where time is linear; megabytes."""
    out = Table(title=f"{results[0]['columns']} columns: seconds, µs per row, and peak memory in MB")
    headings = (
        "file\nMB",
        "prepare\ns",
        "\nµs/row",
        "\nMB",
        "train\ns",
        "overhead\ns",
        "\nMB",
        "sample\ns",
        "\nµs/row",
        "\nMB",
    )
    for heading in ("rows", *headings):
        out.add_column(heading, justify="right")
    for row in results:
        prepare, train, sample = (row[phase] for phase in PHASES)
        cells = [row["megabytes"], *_costs(prepare, row["rows"])]
        cells += [train["seconds"], train["overhead"], train["megabytes"], *_costs(sample, row["rows"])]
        out.add_row(f"{row['rows']:,}", *(f"{cell:,.1f}" for cell in cells))
    return out


def _costs(phase: dict[str, float], rows: int) -> tuple[float, float, float]:
    return phase["seconds"], 1e6 * phase["seconds"] / rows, phase["megabytes"]


def read_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000, help="of the largest table")
    parser.add_argument("--shares", nargs="+", type=float, default=[0.25, 0.5, 1.0], help="the sizes, as shares of it")
    parser.add_argument("--columns", type=int, default=30)
    parser.add_argument("--categories", type=int, default=0, help="of the first column, such as 100000; 0: no such one")
    parser.add_argument("--seconds", type=float, default=60.0, help="of training")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--work", type=Path, default=Path("runs/big_table"), help="for the tables and runs")
    parser.add_argument("--keep", action="store_true", help="leave the tables and runs there")
    parser.add_argument("--quick", action="store_true", help="a smoke test; writes no result")
    arguments = parser.parse_args()
    if arguments.quick:
        arguments.rows, arguments.seconds = min(arguments.rows, 4_000), 3.0
    return arguments


def main() -> None:
    arguments, console, others = read_arguments(), machine.console(), machine.Others()
    arguments.work = arguments.work.absolute()
    results = []
    try:
        for share in arguments.shares:
            results.append(measure(round(arguments.rows * share), arguments, console))
    except Failed as error:
        console.print(f"[red]{error}[/red]", highlight=False)
    if not results:
        raise SystemExit(1)
    console.print(table(results))
    record = machine.record(others, seconds=arguments.seconds, categories=arguments.categories, results=results)
    machine.tell(console, record)
    if not arguments.quick:
        console.print(f"written: {machine.write(record, f'big-table-{arguments.columns}')}")


if __name__ == "__main__":
    main()
