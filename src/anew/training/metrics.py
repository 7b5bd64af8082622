"""What is measured while training: `metrics.jsonl`, one record a line, and means between two records."""

from __future__ import annotations

import json
import math
from collections import defaultdict
from pathlib import Path

import torch
from torch import Tensor

from anew.errors import AnewError
from anew.writing import write

Record = dict[str, float]


class Meter:
    """Means of scalars since the last record. Nothing waits for the device until a record is read."""

    def __init__(self) -> None:
        self._sums: dict[str, list[Tensor]] = defaultdict(list)

    def add(self, values: dict[str, Tensor]) -> None:
        for name, value in values.items():
            self._sums[name].append(value)

    def read(self) -> Record:
        """The means, and a fresh start; what is not finite is left out."""
        means = {name: torch.stack(values).mean().item() for name, values in self._sums.items()}
        self._sums.clear()
        return {name: mean for name, mean in means.items() if math.isfinite(mean)}


def append(path: Path, record: Record) -> None:
    try:
        with path.open("a", encoding="utf-8") as file:
            file.write(_line(record))
    except OSError as error:
        message = f"'{path}' cannot be written: {error.strerror or error}"
        raise AnewError(f"{message}; the last checkpoint stays: make room and run the same command") from error


def read(path: Path) -> list[Record]:
    """All whole records; a last line that was cut off is not one."""
    if not path.exists():
        return []
    return [record for line in path.read_text(encoding="utf-8").splitlines() if (record := _parse(line))]


def truncate(path: Path, examples: int) -> None:
    """Drops what came after the checkpoint that training goes on from."""
    if path.exists():
        write(path, "".join(_line(record) for record in read(path) if record["examples"] <= examples))


def _line(record: Record) -> str:
    rounded = {name: value if isinstance(value, int) else float(f"{value:.6g}") for name, value in record.items()}
    return json.dumps(rounded) + "\n"


def _parse(line: str) -> Record | None:
    try:
        record = json.loads(line)
        return record if isinstance(record, dict) and "examples" in record else None
    except ValueError:
        return None
