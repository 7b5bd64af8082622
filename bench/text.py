"""Text beside nanoGPT: bits learned in the same minutes, and the speed of training and of writing.

    bench/run text --data input.txt --nanogpt nanoGPT [--minutes 1.07 5] [--skip-speed]

The data are one text, of which the first nine tenths are for training, as usual with tiny Shakespeare; nanoGPT is a
checkout of github.com/karpathy/nanoGPT, of which `model.py` is used. Its recipe is that of its README for a processor
(4 layers of 128, 64 characters of context, 12 at a time, AdamW), for as many steps as the minutes allow; anew's is what
`anew train` chooses, byte by byte. Both are scored on the whole last tenth in windows of their context, each from its
own beginning.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import math
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from types import ModuleType
from typing import Any

import machine
import torch
import torch.nn.functional as F
from torch import Tensor

import anew
from anew.codecs.dataset import Split
from anew.models.autoregressive_tokens import AutoregressiveTokens, TokensConfig
from anew.nn.rules import Rules
from anew.rng import Rng
from anew.spaces import Tokens
from anew.training.precision import choose
from anew.training.trainer import Plan, Trainer

RECIPE = {"n_layer": 4, "n_head": 4, "n_embd": 128, "block_size": 64, "dropout": 0.0}
RATE, LEAST, WARMUP, BATCH = 1e-3, 1e-4, 100, 12
SPEED = {"n_layer": 6, "n_head": 6, "n_embd": 384, "block_size": 256, "dropout": 0.0}
SPEED_BATCH, TURNS = 32, 3
WRITTEN = 512  # characters


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--nanogpt", type=Path)
    parser.add_argument("--minutes", type=float, nargs="*", default=[64 / 60, 5])
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--skip-speed", action="store_true")
    parser.add_argument("--set", nargs="*", default=[], help="of anew: width=256 ...")
    parser.add_argument("--size", default="auto")
    arguments, others = parser.parse_args(), machine.Others()
    text = arguments.data.read_text(encoding="utf-8")
    cut = len(text) * 9 // 10
    peer = load(arguments.nanogpt / "model.py") if arguments.nanogpt else None
    found: dict[str, Any] = {"data": arguments.data.name, "quality": [], "speed": {}}
    for minutes in arguments.minutes:
        for seed in range(arguments.seeds):
            row = {"minutes": minutes, "seed": seed}
            row["anew"] = learn_anew(text[:cut], text[cut:], minutes, seed, arguments)
            if peer:
                row["nanoGPT"] = learn_peer(peer, text[:cut], text[cut:], minutes, seed)
            print(json.dumps(row), flush=True)
            found["quality"].append(row)
    if peer and not arguments.skip_speed:
        found["speed"] = {"training": training(peer), "writing": writing(peer)}
        print(json.dumps(found["speed"]), flush=True)
    record, console = machine.record(others, **found), machine.console()
    machine.tell(console, record)
    console.print(f"written: {machine.write(record, 'text')}")


def learn_anew(train: str, test: str, minutes: float, seed: int, arguments: argparse.Namespace) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "train.txt"
        path.write_text(train, encoding="utf-8")
        settings = {"codec.codes": "bytes"} | dict(pair.split("=") for pair in arguments.set)
        run = anew.train(
            path,
            minutes=minutes,
            seed=seed,
            out=Path(folder) / "run",
            settings=settings,
            size=arguments.size,
            show=False,
        )
        model, codes = run.model, torch.tensor([byte + 1 for byte in test.encode()])
        assert isinstance(model, AutoregressiveTokens)
        sample = run.sample(1, length=400).items[0]
        return {
            "nats": nats_per_code(model.network, codes, model.context),
            "nats in running text": running(model, codes),
            "context": model.context,
            "stopped": run.info.get("stopped"),
            "sample": sample,
            **run.info["result"],
        }


def learn_peer(peer: ModuleType, train: str, test: str, minutes: float, seed: int) -> dict[str, Any]:
    """Its recipe, with the steps that its own speed allows."""
    letters = {letter: code for code, letter in enumerate(sorted(set(train + test)))}
    codes, unseen = (torch.tensor([letters[letter] for letter in part]) for part in (train, test))
    torch.manual_seed(seed)
    model = peer.GPT(peer.GPTConfig(**RECIPE, vocab_size=len(letters), bias=False))
    optimiser = model.configure_optimizers(0.1, RATE, (0.9, 0.99), "cpu")
    start, step, steps = time.perf_counter(), 0, 10**9
    while step < steps:
        share = (step - WARMUP) / max(1, steps - WARMUP)
        rate = RATE * step / WARMUP if step < WARMUP else LEAST + (RATE - LEAST) * (1 + math.cos(math.pi * share)) / 2
        for group in optimiser.param_groups:
            group["lr"] = rate
        starts = torch.randint(len(codes) - 65, (BATCH, 1))
        batch = codes[starts + torch.arange(65)]
        loss = model(batch[:, :-1], batch[:, 1:].contiguous())[1]
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        optimiser.zero_grad(set_to_none=True)
        step += 1
        if step == WARMUP:
            steps = int(WARMUP * minutes * 60 / (time.perf_counter() - start))
    seconds = time.perf_counter() - start
    model.eval()
    nats = nats_per_code(lambda x: model(x, x)[0], unseen, RECIPE["block_size"])
    return {"nats": nats, "steps": steps, "seconds": seconds, "context": RECIPE["block_size"]}


@torch.no_grad()
def nats_per_code(logits: Callable[[Tensor], Tensor], codes: Tensor, context: int) -> float:
    """In windows of `context`, each code from those before it in its window; the first of all is not predicted."""
    whole = (len(codes) - 1) // context * context
    before, after = codes[:whole].view(-1, context), codes[1 : whole + 1].view(-1, context)
    parts = zip(before.split(64), after.split(64))
    return sum(F.cross_entropy(logits(x).flatten(0, 1), y.flatten(), reduction="sum").item() for x, y in parts) / whole


@torch.no_grad()
def running(model: AutoregressiveTokens, codes: Tensor) -> float:
    """Each code from half of the context before it, or more, in passages of the model's length."""
    whole = len(codes) // model.length * model.length
    parts = codes[:whole].view(-1, model.length).split(16)
    logs = [model.log_prob(part, None, Rng.for_step(0, batch=len(part))).sum().item() for part in parts]
    return -sum(logs) / whole


def training(peer: ModuleType) -> dict[str, Any]:
    """Characters a second of the same architecture: nanoGPT in fp32 and autocast to bf16, and anew as it chooses."""
    length, batch = SPEED["block_size"], SPEED_BATCH
    codes = torch.randint(1, 66, (4096, length), generator=torch.Generator().manual_seed(0))
    model = peer.GPT(peer.GPTConfig(**SPEED, vocab_size=66, bias=False))
    optimiser = model.configure_optimizers(0.1, RATE, (0.9, 0.99), "cpu")

    def step(low: bool) -> None:
        with torch.autocast("cpu", torch.bfloat16, enabled=low):
            loss = model(codes[:batch, :-1], codes[:batch, 1:].contiguous())[1]
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        optimiser.zero_grad(set_to_none=True)

    space = Tokens(65, length)
    config = TokensConfig(batch=batch, width=384, layers=6, heads=6, context=length)

    def make(plan: Plan) -> Trainer:
        return Trainer(AutoregressiveTokens(space, None, config), Split(space.pack(codes), None, space), plan)

    chosen = choose(make, Plan(10**7, threads=torch.get_num_threads())).plan
    torch.set_num_threads(chosen.threads)
    trainer = make(chosen)
    contenders = {"nanoGPT fp32": lambda: step(False), "nanoGPT bf16": lambda: step(True), "anew": trainer.advance}
    times = in_turns(contenders)
    return {name: round(batch * length / seconds) for name, seconds in times.items()} | {"precision": chosen.precision}


def writing(peer: ModuleType) -> dict[str, Any]:
    """Seconds for one text of 512 characters; nanoGPT has no cache, and looks at its whole context each time."""
    model = peer.GPT(peer.GPTConfig(**SPEED, vocab_size=66, bias=False)).eval()
    space = Tokens(65, WRITTEN)
    ours = AutoregressiveTokens(space, None, TokensConfig(width=384, layers=6, heads=6, context=256)).eval()
    ours.requires_grad_(False)
    start = torch.zeros(1, 1, dtype=torch.int64)

    def write() -> None:
        nothing = torch.zeros(1, WRITTEN, dtype=torch.int64)
        endless = torch.ones(1, 66, dtype=torch.bool)
        endless[:, 0] = False
        ours.write(nothing, nothing > 0, None, Rng.for_samples(0, [0]), rules=Endless(endless))

    return in_turns({"nanoGPT": lambda: model.generate(start, WRITTEN), "anew": write})


class Endless(Rules):
    """Texts that do not end."""

    def __init__(self, allowed: Tensor):
        self._allowed = allowed

    def allowed(self) -> Tensor:
        return self._allowed

    def tell(self, codes: Tensor) -> None:
        """It does not matter."""

    def pick(self, rows: Tensor) -> None:
        self._allowed = self._allowed.expand(len(rows), -1)


def in_turns(contenders: dict[str, Callable[[], Any]]) -> dict[str, float]:
    """The median seconds of each, after one that is not counted."""
    times: dict[str, list[float]] = {name: [] for name in contenders}
    for turn in range(TURNS + 1):
        for name, run in contenders.items():
            start = time.perf_counter()
            run()
            if turn:
                times[name].append(time.perf_counter() - start)
    return {name: median(values) for name, values in times.items()}


def load(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("nanogpt_model", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


if __name__ == "__main__":
    main()
