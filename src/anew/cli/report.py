"""`anew report` and `anew compare`"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from anew.cli.base import app, names_of
from anew.errors import AnewError


@app.command(
    epilog="Example:  anew report runs/photos   or, for samples of another tool:  "
    "anew report --real photos/ --generated others/"
)
def report(
    run: Annotated[Path | None, typer.Argument(metavar="RUN", help="A run folder, such as runs/photos.")] = None,
    real: Annotated[
        str | None, typer.Option(metavar="SOURCE", help="Without a run: the data that samples were learned from.")
    ] = None,
    generated: Annotated[str | None, typer.Option(metavar="SOURCE", help="Without a run: the samples.")] = None,
    held_out: Annotated[
        str | None, typer.Option(metavar="SOURCE", help="Real data that they were not learned from.")
    ] = None,
    given: Annotated[list[str] | None, typer.Option(metavar="NAME", help="Without a run: what samples follow.")] = None,
    selftest: Annotated[bool, typer.Option("--selftest", help="Hold the card against impostors instead.")] = False,
    quick: Annotated[bool, typer.Option("--quick", help="Of 500 samples, in seconds.")] = False,
    n: Annotated[int | None, typer.Option("-n", "--number", help="Of so many samples (2,000 if not said).")] = None,
    quasi: Annotated[
        str | None, typer.Option(metavar="COLUMN,...", help="Of a table: what others may know, such as age,zip,sex.")
    ] = None,
    sensitive: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="Of a table: what others may not know of those.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="A folder (RUN, or report, if nothing is said).")] = None,
) -> None:
    """Measure how good, varied, copied and private samples are: report.html and report.json."""
    from anew.display import bars, console
    from anew.evaluation.summary import costs, table

    if (run is None) != bool(real and generated) or (run is None and selftest):
        raise AnewError("give a run, or else --real and --generated: anew report runs/photos")
    if run is not None and (real or generated or held_out or given):
        raise AnewError("a run knows its data; leave out --real, --generated, --held-out and --given")
    if run is not None and selftest:
        _selftest(run, out, quick)
        return
    columns = names_of(quasi)
    with bars() as on_progress:
        if run is None:
            from anew.evaluation.judge import judge

            made = judge(
                str(generated), str(real), out or "report", held_out, given or (), quick, n, on_progress,
                quasi=columns, sensitive=sensitive,
            )  # fmt: skip
        else:
            from anew.run import Run

            made = Run.load(run).report(out, quick, n, on_progress, quasi=columns, sensitive=sensitive)
    console.print(table([made]))
    console.print("\n\n".join(filter(None, ["", costs(made), made.verdict])), markup=False)
    typer.echo((out or run or Path("report")) / "report.html")


def _selftest(run: Path, out: Path | None, quick: bool) -> None:
    from anew.display import bars, console
    from anew.evaluation.summary import checks
    from anew.run import Run

    with bars() as on_progress:
        tested = Run.load(run).selftest(out, quick, on_progress)
    console.print(checks(tested.checks))
    typer.echo((out or run) / "selftest.html")
    if not tested.passed:
        raise typer.Exit(1)


@app.command(epilog="Example:  anew compare runs/photos runs/photos-2")
def compare(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN RUN...", help="Two run folders or more.")],
    out: Annotated[Path, typer.Option(help="The page.")] = Path("comparison.html"),
) -> None:
    """Runs on the same data side by side, as a table and a page."""
    from anew.display import bars, console
    from anew.evaluation.build import compare as compare_runs
    from anew.evaluation.summary import table
    from anew.run import Run

    if len(runs) < 2:
        raise AnewError("there is one run; give two or more: anew compare runs/photos runs/photos-2")
    with bars() as on_progress:
        reports = compare_runs([Run.load(run) for run in runs], out, on_progress)
    console.print(table(reports))
    typer.echo(out)
