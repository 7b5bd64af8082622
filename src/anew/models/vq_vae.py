"""Vector-quantised autoencoders with a prior over their codes (van den Oord et al. 2017)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from anew.errors import AnewError
from anew.models.model import Config, Encodes, Model, Turn
from anew.nn.conditioning import embedding
from anew.nn.conv import Decoder, Encoder, folded, patch_side
from anew.nn.decoding import Style
from anew.nn.likelihood import likelihood
from anew.nn.transformer import Transformer
from anew.rng import Rng
from anew.spaces import Batch, Grid, Space

SPREAD = 0.05  # of the latents around their code: 1 / the concentration of a von Mises-Fisher distribution


@dataclass(frozen=True)
class VQVAEConfig(Config):
    batch: int = 64
    lr: float = 2e-3
    codes: int = 256
    latent: int = 16  # numbers of a code
    map: int = 4  # one code stands for map x map pixels
    width: int = 32
    blocks: int = 1  # residual blocks at each size
    patch: int = 0  # side of the squares of pixels that are treated as one; 0 goes by the size of the picture
    likelihood: str = "auto"
    commitment: float = 0.25  # weight of the distance of latents from their codes
    prior_width: int = 128
    prior_layers: int = 4
    dropout: float = 0.0  # of the prior
    temperature: float = 1.0  # of its samples; below 1 prefers the likely


class VQVAE(Model, Encodes):
    """An autoencoder whose latents are a map of codes, and a Transformer that learns which maps there are.

    Both learn all along. The prior alone is told what is given.
    """

    spaces = (Grid,)
    turns = ("autoencoder", "prior")

    def __init__(self, space: Space, given: Space | None, config: VQVAEConfig):
        super().__init__(space, given, config)
        assert isinstance(space, Grid)
        if len(space.size) != 2:
            raise AnewError("vq-vae models grids of two dimensions so far, not this Grid; try model vae")
        self.cells = folded(space.size, config.map)
        self.latent_shape = (config.latent, *self.cells)
        self.autoencoder = Autoencoder(space, config)
        self.prior = Prior(given, math.prod(self.cells), config)

    def player(self, turn: str) -> nn.Module:
        return self.prior if turn == "prior" else self.autoencoder

    def loss(self, batch: Batch, turn: Turn, rng: Rng) -> Tensor:
        if turn.name == "autoencoder":
            return self._autoencoder_loss(batch.x)
        with torch.no_grad():
            tokens = self._tokens(batch.x)
        given = self.some_given(batch, rng)
        logits = self.prior(tokens, self.condition(self.prior.embed, given, len(tokens)))
        return F.cross_entropy(logits.mT, tokens, reduction="none").sum(1)

    def sample(self, n: int, given: Tensor | None, rng: Rng) -> Tensor:
        told = self.condition(self.prior.embed, given, n)
        tokens = self.prior.sample(n, told, rng, Style(self.config.temperature))
        return self.decode(self.autoencoder.codebook.look_up(tokens.unflatten(1, self.cells)))

    def encode(self, x: Tensor, given: Tensor | None = None) -> Tensor:
        """The map of codes, as the vectors that they stand for."""
        return self.autoencoder.codebook.look_up(self._tokens(x).unflatten(1, self.cells))

    def decode(self, z: Tensor, given: Tensor | None = None) -> Tensor:
        """The mode of p(x|z)."""
        return self.autoencoder.head.mode(self.autoencoder.decoder(z).float())

    def _tokens(self, x: Tensor) -> Tensor:
        """(B, length): the number of each cell's code, row by row."""
        return self.autoencoder.codebook.scores(self.autoencoder.latents(x)).argmax(-1).flatten(1)

    def _autoencoder_loss(self, x: Tensor) -> Tensor:
        """Van den Oord et al. 2017, equation 3, in nats: latents are taken to lie around their codes."""
        parts, codebook = self.autoencoder, self.autoencoder.codebook
        z = parts.latents(x)
        found = codebook.scores(z.detach())
        chosen = found.detach().argmax(-1)
        code = codebook.look_up(chosen).detach()
        reconstruction = -parts.head.log_prob(parts.decoder(z + (code - z).detach()).float(), x)
        strays = (1 - (z * code).sum(1)).flatten(1).sum(1) / SPREAD
        fit = -found.logsumexp(-1).flatten(1).sum(1)
        self.note(reconstruction=reconstruction, strays=strays, codes_in_use=perplexity(chosen, self.config.codes))
        return reconstruction + self.config.commitment * strays + fit


class Autoencoder(nn.Module):
    def __init__(self, space: Grid, config: VQVAEConfig):
        super().__init__()
        shape, patch = (space.channels, space.size), config.patch or patch_side(space.size, config.map)
        rest = (0, patch, config.map, config.blocks)
        self.encoder = Encoder(*shape, config.width, config.latent, *rest)
        self.codebook = Codebook(config.codes, config.latent)
        self.decoder = Decoder(config.latent, *shape, config.width, *rest)
        self.head = likelihood(space, config.likelihood)

    def latents(self, x: Tensor) -> Tensor:
        """(B, latent, h, w) of length 1."""
        return F.normalize(self.encoder(x).float(), dim=1)


class Codebook(nn.Module):
    """Learned directions, and which of them is nearest (Yu et al. 2022, section 3.2: codes of length 1).

    They learn as a mixture of von Mises-Fisher distributions around them: each latent pulls at all codes, by how
    probable they are, so none is left behind.
    """

    def __init__(self, codes: int, width: int):
        super().__init__()
        self.codes = nn.Parameter(torch.randn(codes, width))

    def scores(self, z: Tensor) -> Tensor:
        """(B, D, h, w) -> (B, h, w, codes): log-probabilities up to a constant."""
        with torch.autocast(z.device.type, enabled=False):
            return z.movedim(1, -1) @ F.normalize(self.codes, dim=1).T / SPREAD

    def look_up(self, numbers: Tensor) -> Tensor:
        """(B, h, w) -> (B, D, h, w)"""
        return F.normalize(self.codes, dim=1)[numbers].movedim(-1, 1)


class Prior(nn.Module):
    """A Transformer over the codes of a map, and how it is told what is given."""

    def __init__(self, given: Space | None, length: int, config: VQVAEConfig):
        super().__init__()
        told, heads = config.prior_width if given is not None else 0, max(1, config.prior_width // 32)
        self.embed = embedding(given, told)
        self.net = Transformer(
            config.codes - 1, length, config.prior_width, config.prior_layers, heads, told, config.dropout
        )

    def forward(self, codes: Tensor, told: Tensor | None) -> Tensor:
        """Logits (B, length, codes) of each code (B, length), given those before it."""
        return self.net(F.pad(codes[:, :-1], (1, 0), value=self.net.start), told)

    def sample(self, n: int, told: Tensor | None, rng: Rng, style: Style) -> Tensor:
        """(n, length)"""
        begun = torch.full((n, 1), self.net.start, device=rng.device)
        logits, cache = self.net.begin(begun, told)
        drawn = begun[:, :0]
        while True:
            drawn = torch.cat([drawn, style.draw(logits, rng, drawn)[:, None]], 1)
            if drawn.shape[1] == self.net.length:
                return drawn
            logits = self.net.step(drawn[:, -1:], cache)


def perplexity(numbers: Tensor, values: int) -> Tensor:
    """How many values are in use: the exponential of their entropy."""
    shares = torch.bincount(numbers.flatten(), minlength=values) / numbers.numel()
    return torch.special.entr(shares).sum().exp()


def vq_vae(space: Space, given: Space | None, size: int, **changes: Any) -> VQVAE:
    """Both networks grow with the size."""
    config = VQVAEConfig(width=8 * 2**size, prior_width=32 * (size + 1), prior_layers=size + 1)
    return VQVAE(space, given, config.change(changes))
