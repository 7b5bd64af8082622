"""The command line: the verbs, each a thin layer over the Python functions. Nothing heavy is imported to show help."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from anew.errors import AnewError

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    help="Train generative models from scratch on your own data, and make more of it.\n\n"
    "Start with: [bold]anew train photos/[/bold]   or, without data of your own:   [bold]anew train digits[/bold]",
)

edit = typer.Typer(no_args_is_help=True, help="Change what is there: fill in what is missing, find what is wished for.")
app.add_typer(edit, name="edit")

Folder = Annotated[Path, typer.Argument(metavar="RUN", help="A run folder, such as runs/photos.")]
Given = Annotated[list[str] | None, typer.Option("--given", metavar="NAME=VALUE", help="What samples shall have.")]


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
        seed=seed, settings=_pairs(settings, "--set"), devices=devices, precision=precision,
        private=private,
    )  # fmt: skip
    if not run.finished:
        raise typer.Exit(130)
    typer.echo(f"now:  anew sample {run.path}   and   anew report {run.path}")


@app.command(
    epilog="Example:  anew sample runs/photos -n 100 --given label=cat --out cats/   or, of a table:  "
    "anew sample runs/people -n 1000 --given sex=Female --where 'age < 30' --out women.csv   or, of text:  "
    "anew sample runs/stories -n 5 --prompt 'Once upon a time' --temperature 0.8"
)
def sample(
    run: Folder,
    n: Annotated[int | None, typer.Option("-n", "--number", help="How many (64, or 1 text).")] = None,
    given: Given = None,
    seed: Annotated[int, typer.Option(help="Another seed makes other samples.")] = 0,
    out: Annotated[
        str | None,
        typer.Option(help="x.png (one picture of all), x.npz, x.parquet, or a folder; a table: x.csv, x.parquet, SQL."),
    ] = None,
    balance: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="Of a table: each of its values equally often.")
    ] = None,
    where: Annotated[
        list[str] | None, typer.Option(metavar="EXPRESSION", help="Of a table: what rows must fulfil: 'start < end'.")
    ] = None,
    derive: Annotated[
        list[str] | None, typer.Option(metavar="EXPRESSION", help="Of a table: a column computed: 'total = price * n'.")
    ] = None,
    unique: Annotated[
        list[str] | None, typer.Option(metavar="COLUMN", help="Of a table: values that may not come twice.")
    ] = None,
    together: Annotated[
        str | None, typer.Option(metavar="COLUMN,...", help="Of a table: only combinations that real rows have.")
    ] = None,
    prompt: Annotated[str | None, typer.Option(metavar="TEXT", help="Of text: how it begins.")] = None,
    temperature: Annotated[float, typer.Option(help="Of sequences: below 1 is safer, above 1 wilder.")] = 1.0,
    top_p: Annotated[float, typer.Option(help="Of sequences: the likeliest codes with this share together.")] = 1.0,
    min_p: Annotated[float, typer.Option(help="Of sequences: codes this likely, beside the likeliest.")] = 0.0,
    top_k: Annotated[int, typer.Option(help="Of sequences: so many of the likeliest codes; 0 is all.")] = 0,
    repetition: Annotated[float, typer.Option(help="Of sequences: above 1 repeats less.")] = 1.0,
    length: Annotated[int | None, typer.Option(help="Of sequences: codes, at most.")] = None,
    repair: Annotated[bool, typer.Option("--repair", help="Of levels: make each solvable, with few changes.")] = False,
    stop: Annotated[list[str] | None, typer.Option(metavar="TEXT", help="Of text: what it ends before.")] = None,
    regex: Annotated[str | None, typer.Option(metavar="REGEX", help="Of text: what follows the prompt, whole.")] = None,
    json_schema: Annotated[Path | None, typer.Option(metavar="FILE", help="Of text: JSON by this schema.")] = None,
    grammar: Annotated[Path | None, typer.Option(metavar="FILE", help="Of text: by this Lark grammar.")] = None,
    best_of: Annotated[int, typer.Option(help="Candidates for each sample, of which the best is kept.")] = 1,
    beam: Annotated[int | None, typer.Option(help="Of sequences: the likeliest, by a search so wide.")] = None,
) -> None:
    """Make new samples: a picture to look at, or files to use, by the ending of --out."""
    from anew.constraints import Constraints
    from anew.display import bars, say
    from anew.nn.decoding import Style
    from anew.run import Run
    from anew.samples import check_target

    opened = Run.load(run)
    told = {
        "style": Style(temperature, top_p, min_p, top_k, repetition), "prompt": prompt, "length": length,
        "stop": stop or (), "grammar": _grammar(regex, json_schema, grammar), "best_of": best_of, "beam": beam,
    }  # fmt: skip
    if out is None and opened.codec.shown == ".txt":
        _print_texts(opened, 1 if n is None else n, _pairs(given, "--given"), seed, told)
        return
    n = 64 if n is None else n
    target = out or str(run / f"samples-seed{seed}{opened.codec.shown}")
    check_target(target, opened.codec)
    constraints = Constraints(where or (), derive or (), unique or (), _names(together))
    with bars() as on_progress:
        wanted = _pairs(given, "--given")
        samples = opened.sample(n, wanted, seed, on_progress, balance=balance, constraints=constraints, **told)
    if repair:
        samples, said = samples.mended()
        say(said)
    if constraints:
        say(f"kept {n:,} of {samples.tried:,} rows that were drawn ({n / samples.tried:.0%})")
    typer.echo(samples.save(target))


def _print_texts(run: Any, n: int, given: dict[str, Any], seed: int, told: dict[str, Any]) -> None:
    """Texts to the terminal, one while it is written."""
    import torch

    from anew.display import Typing, bars

    if n == 1 and not told["stop"] and not told["beam"] and told["best_of"] == 1:
        typing = Typing(
            lambda codes: run.codec.decode(torch.tensor([codes]))[0], lambda text: typer.echo(text, nl=False)
        )
        run.sample(1, given, seed, show=typing, **told)
        typer.echo()
        return
    with bars() as on_progress:
        samples = run.sample(n, given, seed, on_progress, **told)
    typer.echo(samples.codec.together(samples.items, samples.given, ".txt").decode(), nl=False)


def _grammar(regex: str | None, json_schema: Path | None, lark: Path | None) -> Any:
    """None if nothing is said."""
    if regex is None and json_schema is None and lark is None:
        return None
    from anew.codecs.text.grammar import Grammar

    return Grammar(regex, _read(json_schema), _read(lark))


def _read(file: Path | None) -> str | None:
    try:
        return None if file is None else file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeError) as error:
        raise AnewError(f"'{file}' cannot be read ({error}); expected a text file in UTF-8") from error


@edit.command(
    epilog="Example:  anew edit complete runs/people --data holes.csv --out whole.csv   or, of music:  "
    "anew edit complete runs/tunes --data x.mid?bars=5-8 --out new/"
)
def complete(
    run: Folder,
    data: Annotated[
        str, typer.Option(metavar="SOURCE", help="A table with holes, levels with ?, texts with [...], music, graphs.")
    ],
    out: Annotated[str, typer.Option(help="x.csv, x.parquet, SQL; x.png, a folder.")],
    seed: Annotated[int, typer.Option(help="Another seed fills in others.")] = 0,
) -> None:
    """Fill in missing cells of tables, tiles of levels, gaps in texts, bars of music or nodes of graphs."""
    from anew.display import bars
    from anew.run import Run
    from anew.samples import check_target

    opened = Run.load(run)
    check_target(out, opened.codec)
    with bars() as on_progress:
        samples = opened.complete(data, seed, on_progress)
    typer.echo(samples.save(out))


@edit.command(epilog="Example:  anew edit search runs/mazes --wish steps=40 --repair --out hard/")
def search(
    run: Folder,
    wish: Annotated[list[str], typer.Option("--wish", metavar="TRAIT=NUMBER", help="What to come near to.")],
    out: Annotated[str, typer.Option(help="x.png, x.npz, x.parquet, or a folder.")],
    n: Annotated[int, typer.Option("-n", "--number", help="How many.")] = 16,
    given: Given = None,
    seed: Annotated[int, typer.Option(help="Another seed finds others.")] = 0,
    repair: Annotated[bool, typer.Option("--repair", help="Of levels: count once they are solvable.")] = False,
) -> None:
    """Find samples with wished properties in the latent space of a model."""
    from anew.display import bars
    from anew.editing.search import search as find
    from anew.run import Run
    from anew.samples import check_target

    opened = Run.load(run)
    check_target(out, opened.codec)
    wishes = {name: _number(name, text) for name, text in _pairs(wish, "--wish").items()}
    with bars() as on_progress:
        found = find(opened, wishes, n, _pairs(given, "--given"), seed, mend=repair, on_progress=on_progress)
    typer.echo(found.save(out))


@app.command(epilog="Example:  anew chat runs/helpdesk --temperature 0.7")
def chat(
    run: Folder,
    temperature: Annotated[float, typer.Option(help="Below 1 is safer, above 1 wilder.")] = 0.8,
    top_p: Annotated[float, typer.Option(help="The likeliest codes with this share together.")] = 0.95,
    seed: Annotated[int, typer.Option(help="Another seed answers otherwise.")] = 0,
) -> None:
    """Talk with a model that was trained on dialogues (docs/text.md); an empty line ends."""
    from anew.nn.decoding import Style
    from anew.run import Run

    opened, style, said = Run.load(run), Style(temperature, top_p), ""
    while line := typer.prompt(">", default="", show_default=False, prompt_suffix=" ").strip():
        said, answer = opened.answer(said, line, style, seed)
        typer.echo(answer)


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
    columns = _names(quasi)
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


@app.command(epilog="Example:  anew analyze friends.graphml   or, without a network of your own:  anew analyze karate")
def analyze(
    network: Annotated[str, typer.Argument(metavar="NETWORK", help="A file such as friends.graphml, or a built-in.")],
    out: Annotated[Path | None, typer.Option(help="A folder (analysis/NETWORK if nothing is said).")] = None,
    links: Annotated[int, typer.Option(min=0, help="How many links that may be missing are listed.")] = 20,
    seed: Annotated[int, typer.Option(help="Of communities, roles and guesses.")] = 0,
) -> None:
    """Look at one network: which nodes matter, which belong together, and which links may be missing."""
    from anew.analysis import analyze as analyze_network
    from anew.display import bars, console, say_table

    out = out or Path("analysis") / Path(network).stem
    with bars() as on_progress:
        made = analyze_network(network, out, links, seed, on_progress)
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


def _number(name: str, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise AnewError(f"--wish {name}={text} is no number; expected such as {name}=40") from None


def _names(text: str | None) -> tuple[str, ...]:
    """ "age, zip" -> ("age", "zip")"""
    return tuple(name.strip() for name in (text or "").split(",") if name.strip())


def _pairs(texts: list[str] | None, option: str) -> dict[str, Any]:
    """["label=7"] -> {"label": "7"}"""
    for text in texts or ():
        if "=" not in text:
            raise AnewError(f"{option} {text} has no value; expected NAME=VALUE")
    return dict(text.split("=", 1) for text in texts or ())


def main() -> None:
    """The command `anew`: mistakes of the user are one line and exit code 2; --debug shows where they came from."""
    debug = "--debug" in sys.argv
    arguments = [argument for argument in sys.argv[1:] if argument != "--debug"]
    try:
        app(arguments)
    except AnewError as error:
        if debug:
            raise
        typer.echo(f"anew: {error}", err=True)
        raise SystemExit(2) from None
    except KeyboardInterrupt:
        raise SystemExit(130) from None


if __name__ == "__main__":
    main()
