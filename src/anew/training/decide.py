"""What is asked for, and all that is decided before training: the model, its settings, and how it is trained."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import Any, NamedTuple

import torch

from anew.codecs import PREFIX
from anew.codecs.dataset import Dataset
from anew.display import say
from anew.models import build
from anew.models.auto import choose_most, choose_recipe, choose_size
from anew.models.model import Model
from anew.training import private_promise
from anew.training.distributed import default_device
from anew.training.precision import choose
from anew.training.private import make_trainer, settle
from anew.training.private_promise import Privacy
from anew.training.trainer import Group, Plan, Trainer

MINUTES = 5.0  # if no budget is named
OVERHEAD = 0.02  # share of the minutes that previews and checkpoints take; if they take more, `Loop` keeps the minutes


@dataclass(frozen=True)
class Request:
    """What was asked for. The same request on the same data is the same run: it is gone on with."""

    source: str
    data: str  # fingerprint
    model: str
    size: str
    given: tuple[str, ...]
    minutes: float | None
    examples: int | None
    seed: int
    settings: dict[str, str]
    devices: int
    precision: str
    inside: str | None  # the run whose latent space it is to be trained in
    private: float | None  # epsilon

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "given": list(self.given)}


class Decided(NamedTuple):
    recipe: str
    size: int
    model: Model
    plan: Plan
    privacy: Privacy | None


def decide(request: Request, data: Dataset, latent: bool, show: bool) -> Decided:
    """By a trial of its speed where time or precision is open. Raises AnewError for what cannot be trained."""
    draft, examples = Draft(request, data, latent), len(data.train)
    draft.suggest(draft.example.model.private if draft.privacy else {})
    if draft.example.config.batch > (most := choose_most(examples)):
        draft.suggest({"batch": most})
    plan = draft.plan(show)
    draft.suggest(draft.example.model.adapt(plan.examples / examples))
    _say_plan(draft, plan, show)
    privacy = settle(draft.trainer(plan)) if draft.privacy else None
    say(f"private: {privacy}", show and privacy is not None)
    return Decided(draft.recipe, draft.size, draft.example.model, plan, privacy)


class Draft:
    """A recipe, its size, and what is set in place of its defaults, of which more may be suggested."""

    def __init__(self, request: Request, data: Dataset, latent: bool):
        self.request, self.data = request, data
        self.minutes = request.minutes or (None if request.examples else MINUTES)
        minutes = self.minutes or MINUTES
        self.recipe = choose_recipe(data.space, minutes, latent) if request.model == "auto" else request.model
        fits = choose_size(minutes, data.space, request.private is not None)
        self.size = fits if request.size == "auto" else int(request.size)
        asked = request.settings.items()
        self.settings: dict[str, Any] = {
            key: value for key, value in asked if not key.startswith((PREFIX, private_promise.PREFIX))
        }
        self.privacy: Privacy | None = None
        if request.private is not None:
            self.privacy = private_promise.draft(request.private, request.settings, data)
            self.settings["guard"] = "false"  # it looks at the examples
        self.group = Group(default_device())  # where it will train

    def suggest(self, settings: Mapping[str, Any]) -> None:
        """Settings that hold where nothing else is set."""
        if more := {name: value for name, value in settings.items() if name not in self.settings}:
            self.settings |= more
            del self.example

    @cached_property
    def example(self) -> Trainer:
        """To look at. To make it refuses what cannot be trained, before anything is written."""
        return self.trainer(Plan(examples=1))

    def trainer(self, plan: Plan) -> Trainer:
        """With fresh weights, always the same."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.request.seed)
            model = build(self.recipe, self.data.space, self.data.given_space, self.size, self.settings)
            return make_trainer(model, self.data.train, plan, self.group, self.privacy)

    def plan(self, show: bool) -> Plan:
        """As many examples as are asked for or fit into the minutes, but no more passes than the model has use for."""
        plan = self._within_budget(show)
        return replace(plan, examples=int(min(plan.examples, self.example.most)))

    def _within_budget(self, show: bool) -> Plan:
        request = self.request
        threads = max(1, torch.get_num_threads() // request.devices)
        plan = Plan(request.examples or 1, "fp32", False, request.seed, threads, request.devices)
        precision = "fp32" if request.private else request.precision
        if self.minutes is None and precision != "auto":
            return replace(plan, precision=precision)
        say("measuring speed ...", show)
        speed = choose(self.trainer, replace(plan, examples=request.examples or 10**9), precision)
        if self.minutes is None:
            return speed.plan
        steps = max(1, int(self.minutes * 60 * (1 - OVERHEAD) / speed.seconds))
        kept = None if request.private else self.minutes
        return replace(speed.plan, examples=steps * self.example.stride, minutes=kept)


def _say_plan(draft: Draft, plan: Plan, show: bool) -> None:
    parameters = sum(parameter.numel() for parameter in draft.example.model.parameters())
    layout = ", channels last" if plan.channels_last else ""
    say(
        f"{draft.recipe}, size {draft.size}: {parameters / 1e6:.2f} million parameters, {plan.precision}{layout}, "
        f"{plan.examples:,} examples",
        show,
    )
