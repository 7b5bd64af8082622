"""`anew sample` and `anew chat`"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from anew.cli.base import Folder, Given, app, names_of, pairs_of
from anew.errors import AnewError


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
    grammar: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Of text: by this Lark grammar; or the word python, of code.")
    ] = None,
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
        _print_texts(opened, 1 if n is None else n, pairs_of(given, "--given"), seed, told)
        return
    n = 64 if n is None else n
    target = out or str(run / f"samples-seed{seed}{opened.codec.shown}")
    check_target(target, opened.codec)
    constraints = Constraints(where or (), derive or (), unique or (), names_of(together))
    with bars() as on_progress:
        wanted = pairs_of(given, "--given")
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
    from anew.codecs.text.languages import LANGUAGES

    if lark is not None and str(lark) in LANGUAGES and not lark.exists():
        return Grammar(regex, _read(json_schema), language=str(lark))
    return Grammar(regex, _read(json_schema), _read(lark))


def _read(file: Path | None) -> str | None:
    try:
        return None if file is None else file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeError) as error:
        raise AnewError(f"'{file}' cannot be read ({error}); expected a text file in UTF-8") from error


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
