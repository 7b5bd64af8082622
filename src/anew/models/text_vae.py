"""Variational autoencoders of sequences (Bowman et al. 2016) of two Transformers: texts as points, points as texts."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from anew.models.autoregressive_tokens import AutoregressiveTokens, TokensConfig
from anew.models.model import Config, Model, Turn, check_labels, check_length
from anew.models.vae import VAE, kl_to_standard_normal
from anew.models.writing import Reader, Writes
from anew.nn.conditioning import embedding, nothing_known
from anew.nn.decoding import Style
from anew.nn.transformer import Transformer
from anew.rng import Rng
from anew.spaces import Batch, Field, Fields, Space, Tokens

NARROW = -3.0  # log-variance of the posterior at first, so that latents say something before they cost anything
LONGEST = 2048  # codes: the encoder sees all


@dataclass(frozen=True)
class TextVAEConfig(Config):
    batch: int = 32
    lr: float = 3e-3
    betas: tuple[float, float] = (0.9, 0.95)
    muon: float = 0.02
    decay: str = "linear"
    latent: int = 32
    width: int = 192
    layers: int = 4  # of the encoder, and of the decoder
    heads: int = 0  # 0 is one for every 64 numbers of the width
    dropout: float = 0.0
    word_dropout: float = 0.3  # share of the codes that the decoder is not told while it learns
    beta: float = 1.0  # weight of the KL term
    free_bits: float = 0.5  # nats of KL per latent that cost nothing (Kingma et al. 2016)
    kl_warmup: float = 0.3  # share of the budget over which the KL term grows to beta
    importance_samples: int = 16  # in the bound that `log_prob` reports


class TextVAE(VAE, Writes):
    """A VAE whose p(x|z) is an autoregressive model that is told z at every place.

    Such a decoder does well without z, and then z says nothing (posterior collapse). Three things make it listen: the
    KL term grows slowly, a part of it is free, and some of the codes before each are hidden from it (word dropout;
    Bowman et al. 2016, section 3.1). Latents are told beside labels, if there are any.
    """

    spaces = (Tokens,)  # type: ignore[assignment]

    def __init__(self, space: Space, given: Space | None, config: TextVAEConfig):
        Model.__init__(self, space, given, config)  # not VAE's, whose networks know no order
        assert isinstance(space, Tokens)
        check_length(space, LONGEST, "text-vae", 256)
        labels = check_labels(given, "text-vae")
        self.latent_shape = (config.latent,)
        self.dials = {"free_bits": config.free_bits, "kl_from": 0.0}
        self.embed = embedding(given, config.width if given else 0)
        self.encoder: nn.Module = SequenceEncoder(space, config, config.width if given else 0)
        told = (*(Field(f"latent {i}") for i in range(config.latent)), *(labels.fields if labels else ()))
        parts = {name: getattr(config, name) for name in ("width", "layers", "heads", "dropout")}
        self.decoder: AutoregressiveTokens = AutoregressiveTokens(
            space, Fields(told), TokensConfig(context=space.length, **parts)
        )

    def loss(self, batch: Batch, turn: Turn, rng: Rng) -> Tensor:
        given = self.some_given(batch, rng)
        mean, log_var = self._posterior(batch.x, given)
        z = mean + (log_var / 2).exp() * rng.normal(*self.latent_shape)
        dropped = rng.uniform(*batch.x.shape[1:]) < self.config.word_dropout
        reconstruction = self._nats(batch.x, self._told(z, given), dropped)
        kl = kl_to_standard_normal(mean, log_var)
        self.note(reconstruction=reconstruction, kl=kl.sum(1))
        return reconstruction + self._kl_weight(turn.progress) * kl.clamp(min=self.dials["free_bits"]).sum(1)

    def sample(self, n: int, given: Tensor | None, rng: Rng) -> Tensor:
        return self.write(*self._nothing(n, rng.device), given, rng)

    def reader_to_draw(self, known: Tensor, mask: Tensor, given: Tensor | None, rng: Rng) -> Reader:
        """From latent vectors that are drawn, whatever is known."""
        return self.decoder.reader(self._told(rng.normal(*self.latent_shape), given), len(known))

    def reader(self, given: Tensor | None, n: int) -> Reader:
        """In the middle of the latent space."""
        return self.decoder.reader(self._told(torch.zeros(n, *self.latent_shape, device=self._device), given), n)

    def decode(self, z: Tensor, given: Tensor | None = None) -> Tensor:
        """Code by code the likeliest."""
        rng = Rng.for_samples(0, range(len(z)), z.device)
        nothing = self._nothing(len(z), z.device)
        return self.decoder.write(*nothing, self._told(z, given), rng, Style(temperature=0))

    def log_prob(self, x: Tensor, given: Tensor | None, rng: Rng) -> Tensor:
        """The importance-weighted bound (Burda et al. 2016) with every other z from the prior, not from q.

        So weights are bounded where q is narrower than the true posterior (defensive sampling, Owen and Zhou 2000).
        -inf for what goes on after its end.
        """
        (mean, log_var), draws = self._posterior(x, given), self.config.importance_samples
        defensive, logs = torch.tensor(float(draws // 2)).log(), []
        for draw in range(draws):
            noise = rng.normal(*self.latent_shape)
            z = noise if draw % 2 else mean + (log_var / 2).exp() * noise
            log_ratio = 0.5 * (z.square() - (z - mean).square() / log_var.exp() - log_var).sum(1)  # q(z|x) / p(z)
            proposed = torch.logaddexp(log_ratio + math.log(draws - draws // 2), defensive)
            logs.append(self._log_likelihood(z, x, given) - proposed)
        found = torch.stack(logs).logsumexp(0).clamp(max=0)  # an estimate may be above what it estimates
        return found.masked_fill(((x[:, :-1] == 0) & (x[:, 1:] > 0)).any(1), -torch.inf)

    def _log_likelihood(self, z: Tensor, x: Tensor, given: Tensor | None) -> Tensor:
        return -self.decoder.nats(x, self._told(z, given)).sum(1)

    def _nats(self, x: Tensor, told: Tensor, dropped: Tensor) -> Tensor:
        """(B,) of sequences, where the decoder does not see which code was `dropped`, bool (B, length)."""
        part = self.decoder.begun(x)[:, :-1]
        longest = int((part[:, :-1] > 0).sum(1).max())
        nats = self.decoder.nats_of(part[:, : longest + 1], self.decoder.told(told, len(x)), dropped[:, :longest])
        return nats.sum(1)

    def _told(self, z: Tensor, given: Tensor | None) -> Tensor:
        """(B, latent + F): the latents, and what is given."""
        if self.given is None:
            return z
        return torch.cat([z, nothing_known(self.given, len(z), z.device) if given is None else given], 1)

    def _nothing(self, n: int, device: torch.device | str) -> tuple[Tensor, Tensor]:
        known = torch.zeros(n, *self.space.shape, dtype=torch.int64, device=device)
        return known, known > 0

    @property
    def _device(self) -> torch.device:
        return next(self.parameters()).device


class SequenceEncoder(nn.Module):
    """(B, length) -> (B, 2 * latent): the mean of what a Transformer without order of reading says at each place."""

    def __init__(self, space: Tokens, config: TextVAEConfig, told: int):
        super().__init__()
        heads = config.heads or max(1, config.width // 64)
        self.network = Transformer(
            space.vocabulary, space.length, config.width, config.layers, heads, told, config.dropout, space.columns,
            causal=False,
        )  # fmt: skip
        self.network.head = nn.Linear(config.width, 2 * config.latent)
        nn.init.constant_(self.network.head.bias[config.latent :], NARROW)

    def forward(self, x: Tensor, told: Tensor | None) -> Tensor:
        real = F.pad(x > 0, (1, 0), value=True)[:, :-1, None]  # the codes and their end
        return (self.network(x, told) * real).sum(1) / real.sum(1)


def text_vae(space: Space, given: Space | None, size: int, **changes: Any) -> TextVAE:
    config = TextVAEConfig(width=64 * (size + 1), layers=1 + size, latent=16 * size)
    return TextVAE(space, given, config.change(changes))
