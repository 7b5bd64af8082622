"""What people see while they wait: bars with the time left on a terminal, a line now and then elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

OnProgress = Callable[[str, int, int], None]  # what is being done, how many are done, of how many

ROWS = 40  # of a table, at most

console = Console(stderr=True, highlight=False, soft_wrap=True)


@contextmanager
def bars(show: bool = True) -> Iterator[OnProgress]:
    """A bar for each thing that is being done."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not (show and console.is_terminal)) as progress:
        tasks = {}

        def on_progress(doing: str, done: int, total: int) -> None:
            if doing not in tasks:
                tasks[doing] = progress.add_task(doing)
            progress.update(tasks[doing], completed=done, total=total)

        yield on_progress


class TrainingDisplay:
    """A bar over the examples with time left, speed and losses; without a terminal, a line every tenth of the way."""

    def __init__(self, total: int, show: bool = True):
        self.total, self.show, self._tenth = total, show, -1
        columns = (
            TextColumn("training"),
            BarColumn(),
            TextColumn("{task.percentage:.0f} %"),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            TextColumn("{task.fields[text]}"),
        )
        self._bar = Progress(*columns, console=console, disable=not (show and console.is_terminal))
        self._task = self._bar.add_task("", total=total, text="")

    def __enter__(self) -> TrainingDisplay:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def update(self, examples: int, values: dict[str, float] | None = None) -> None:
        """`values` are what to read beside the bar."""
        if values is None:
            self._bar.update(self._task, completed=examples)
            return
        text = "  ".join(f"{name.replace('_', ' ')} {_short(value)}" for name, value in values.items())
        self._bar.update(self._task, completed=examples, total=self.total, text=text)
        tenth = 10 * examples // max(1, self.total)
        if self.show and not console.is_terminal and tenth > self._tenth:
            console.print(f"{100 * examples / self.total:.0f} %  {text}")
            self._tenth = tenth


class Typing:
    """Writes a text while its codes are drawn: called with each code (1,), it writes what has become readable."""

    def __init__(self, decode: Callable[[list[int]], str], write: Callable[[str], object]):
        self.decode, self.write = decode, write
        self.codes: list[int] = []
        self.text = ""

    def __call__(self, codes: Iterable[int]) -> None:
        self.codes += [int(code) for code in codes if int(code)]
        text = self.decode(self.codes).rstrip("\ufffd")  # half of a letter
        self.write(text[len(self.text) :])
        self.text = text


def say(text: str, show: bool = True) -> None:
    if show:
        console.print(text, markup=False)


def say_table(rows: Sequence[Sequence[str]], show: bool = True) -> None:
    """Cells one below the other; of many rows, the first."""
    if not show:
        return
    table = Table(box=None, show_header=False, padding=(0, 2))
    for row in rows[:ROWS]:
        table.add_row(*(Text(cell, overflow="ellipsis") for cell in row))
    console.print(table)
    if len(rows) > ROWS:
        console.print(f"... and {len(rows) - ROWS:,} more")


def _short(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
