"""What is measured: each contender is made in a process of its own and trains as many steps as it is told.

In each case the peer and anew train the same networks on the same images, which are held in memory as bytes. The
peers get them as floats, ready to use; anew converts each batch itself. Checkpoints are left out on both sides.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import peers
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from anew.codecs.dataset import Split
from anew.models.flow_matching import FlowMatching, FlowMatchingConfig
from anew.models.gan import GAN, GANConfig
from anew.models.model import Model
from anew.models.vae import VAE, VAEConfig
from anew.spaces import Grid
from anew.training.metrics import Meter
from anew.training.precision import choose
from anew.training.trainer import Plan, Trainer

COLOUR, DIGIT = Grid(3, (32, 32)), Grid(1, (28, 28))
EXAMPLES = 10**7  # the budget that anew's schedules are drawn over


@dataclass(frozen=True)
class Contender:
    """`train(steps)` trains on steps * batch images, at most `most` steps at a time."""

    batch: int
    train: Callable[[int], None]
    about: str = "fp32"
    most: int = 10**6


def images(space: Grid, n: int) -> Tensor:
    """uint8 (n, *shape): noise, which costs as much to train on as any picture."""
    return torch.randint(0, 256, (n, *space.shape), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))


class Borrowed(nn.Module):
    """A peer's network where anew's models keep their own: nothing is given, and the outputs are float32."""

    embed = None

    def __init__(self, body: nn.Module, call: Callable[..., Tensor] = lambda body, x: body(x)):
        super().__init__()
        self.body, self.call = body, call

    def forward(self, *inputs: Any) -> Tensor:
        return self.call(self.body, *inputs[:-1]).float()


# torchgan


def torchgan() -> Contender:
    """Its Trainer: one epoch of a DataLoader."""
    batch, pool, trainer = 64, COLOUR.unpack(images(COLOUR, 8192)), peers.torchgan_trainer(COLOUR.channels)

    def train(steps: int) -> None:
        trainer(DataLoader(TensorDataset(*_labelled(pool[: steps * batch])), batch, shuffle=True))

    return Contender(batch, train, most=len(pool) // batch)


class BorrowedGAN(GAN):
    """anew's GAN, with its loss, around torchgan's networks."""

    def __init__(self, config: GANConfig):
        Model.__init__(self, COLOUR, None, config)
        generator, discriminator = peers.torchgan_networks()
        self.turns = ("discriminator", "generator")
        self.generator = Borrowed(generator(encoding_dims=peers.LATENT_GAN))  # type: ignore[assignment]
        self.discriminator = Borrowed(discriminator())  # type: ignore[assignment]


def anew_gan(precision: str) -> Contender:
    config = GANConfig(batch=64, latent=peers.LATENT_GAN, lr=2e-4, betas=(0.5, 0.999))
    return _anew(lambda: BorrowedGAN(config), COLOUR, precision)


# pythae


def pythae() -> Contender:
    """Its BaseTrainer's epoch, with the progress bar, on its default perceptrons."""
    from pythae.data.datasets import BaseDataset

    batch, pool = 64, images(DIGIT, 65536).float() / 255
    labels = torch.zeros(len(pool))
    trainer = peers.pythae_trainer(DIGIT.shape, pool, batch)

    def train(steps: int) -> None:
        rows = slice(0, steps * batch)
        trainer.train_loader = trainer.get_train_dataloader(BaseDataset(pool[rows], labels[rows]))
        trainer.train_step(epoch=1)
        trainer.callback_handler.on_epoch_end(training_config=trainer.training_config)

    return Contender(batch, train, most=len(pool) // batch)


def anew_vae(precision: str) -> Contender:
    """The same layers, 784-512-16 and 16-512-784, and the same squared error."""
    config = VAEConfig(batch=64, network="mlp", likelihood="gaussian", latent=peers.LATENT_VAE, width=32)
    return _anew(lambda: VAE(DIGIT, None, config), DIGIT, precision)


# diffusers


def diffusers() -> Contender:
    """The training step of its example script for unconditional generation, with the script's defaults."""
    from diffusers import UNet2DModel

    batch, pool, ddpm = 16, COLOUR.unpack(images(COLOUR, 8192)), peers.DDPM(UNet2DModel(**peers.UNET))
    ddpm.plan(EXAMPLES // batch)

    def train(steps: int) -> None:
        ddpm.unet.train()
        for (x,) in DataLoader(TensorDataset(pool[: steps * batch]), batch, shuffle=True):
            ddpm.step(x)

    return Contender(batch, train, most=len(pool) // batch)


class BorrowedFlow(FlowMatching):
    """anew's flow matching around diffusers' U-Net."""

    def __init__(self, config: FlowMatchingConfig):
        from diffusers import UNet2DModel

        Model.__init__(self, COLOUR, None, config)
        self.embed = None
        self.net = Borrowed(UNet2DModel(**peers.UNET), lambda unet, x, t: unet(x, 1000 * t).sample)  # type: ignore[assignment]


def anew_flow(precision: str) -> Contender:
    return _anew(lambda: BorrowedFlow(FlowMatchingConfig(batch=16)), COLOUR, precision)


# anew


def _anew(make_model: Callable[[], Model], space: Grid, precision: str) -> Contender:
    """Its Trainer at `precision`: plain fp32, or auto, what its own start-up measurement chooses."""
    data = Split(images(space, 65536 if space is DIGIT else 8192), None, space)

    def make(plan: Plan) -> Trainer:
        torch.manual_seed(0)
        return Trainer(make_model(), data, plan)

    plan = Plan(EXAMPLES, threads=torch.get_num_threads())
    if precision == "auto":
        plan = choose(make, plan).plan
    trainer, meter = make(plan), Meter()

    def train(steps: int) -> None:
        for _ in range(steps):
            meter.add(trainer.advance())
        meter.read()

    about = plan.precision + (", channels last" if plan.channels_last else "")
    return Contender(trainer.stride, train, about)


def _labelled(x: Tensor) -> tuple[Tensor, Tensor]:
    return x, torch.zeros(len(x), dtype=torch.int64)


CONTENDERS: dict[str, Callable[[], Contender]] = {
    "torchgan": torchgan,
    "anew-gan": partial(anew_gan, "auto"),
    "anew-gan-fp32": partial(anew_gan, "fp32"),
    "pythae": pythae,
    "anew-vae": partial(anew_vae, "auto"),
    "anew-vae-fp32": partial(anew_vae, "fp32"),
    "diffusers": diffusers,
    "anew-flow": partial(anew_flow, "auto"),
    "anew-flow-fp32": partial(anew_flow, "fp32"),
}
