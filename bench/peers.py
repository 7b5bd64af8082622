"""The tools that anew is measured beside, used as their examples do: by their own trainers, networks and samplers.

Each peer has `module`, which holds all that it needs to sample, trains on uint8 (n, 28, 28) for some seconds, and
makes samples as uint8 (n, 28, 28). They know nothing of labels.
"""

from __future__ import annotations

import sys
import tempfile
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from copy import deepcopy
from types import ModuleType
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

SIDE, PADDED = 28, 32
LATENT_GAN, LATENT_VAE = 100, 16  # torchgan's default; the 16 of both VAEs
CHUNK = 500  # samples that are made at a time
NOISES, DDIM_STEPS = 1000, 50
WARM_UP = 500  # steps of diffusers' example, a tenth of training at most
UNET = {
    "sample_size": 32,
    "layers_per_block": 2,
    "block_out_channels": (32, 32, 64, 64, 128, 128),  # a quarter of those of diffusers' example
    "down_block_types": (*["DownBlock2D"] * 4, "AttnDownBlock2D", "DownBlock2D"),
    "up_block_types": ("UpBlock2D", "AttnUpBlock2D", *["UpBlock2D"] * 4),
}

SMALL_UNET = {  # that learns something of digits in minutes
    "sample_size": 32,
    "layers_per_block": 2,
    "block_out_channels": (32, 64, 64),
    "down_block_types": ["DownBlock2D"] * 3,
    "up_block_types": ["UpBlock2D"] * 3,
}
SMALL_BATCH, SMALL_RATE = 64, 1e-3  # of it; the example's 16 and 1e-4 are for large ones and days


class Until(DataLoader):
    """Goes through the data again and again until the time is up: one long epoch."""

    def __init__(self, data: Any, batch: int, seconds: float, **options: Any):
        super().__init__(data, batch, shuffle=True, drop_last=True, **options)
        self.begun, self.seconds, self.examples = time.monotonic(), seconds, 0

    def __iter__(self) -> Iterator[Any]:  # type: ignore[override]
        while True:
            for batch in super().__iter__():
                if time.monotonic() - self.begun > self.seconds:
                    self.seconds = time.monotonic() - self.begun
                    return
                self.examples += self.batch_size or 0
                yield batch


class Peer(ABC):
    module: nn.Module

    @abstractmethod
    def train(self, images: Tensor, seconds: float) -> Until:
        """Returns what it was trained with, which knows the examples seen and the seconds."""

    @abstractmethod
    def chunk(self, n: int) -> Tensor:
        """float (n, 1, height, width) in [-1, 1]"""

    def fit(self, images: Tensor) -> None:  # noqa: B027
        """What is still to be fitted, before it can sample, to what was trained."""

    @torch.no_grad()
    def sample(self, n: int) -> Tensor:
        """uint8 (n, 28, 28)"""
        self.module.eval()
        made = torch.cat([self.chunk(min(CHUNK, n - start)) for start in range(0, n, CHUNK)])
        margin = (made.shape[-1] - SIDE) // 2
        made = made[:, 0, margin : margin + SIDE, margin : margin + SIDE]
        return ((made.clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8)


# torchgan


def torchgan_networks() -> tuple[Any, Any]:
    """Its DCGAN for 32 x 32, as classes: 64 channels in the first layer, its default."""
    _stub_torchvision()
    from torchgan.models import DCGANDiscriminator, DCGANGenerator

    return DCGANGenerator, DCGANDiscriminator


def torchgan_trainer(channels: int) -> Any:
    """Its Trainer, with the console log and the eight samples at the end, without the checkpoints."""
    generator, discriminator = torchgan_networks()
    from torchgan.losses import MinimaxDiscriminatorLoss, MinimaxGeneratorLoss
    from torchgan.trainer import Trainer

    folder = tempfile.mkdtemp()
    adam = {"name": torch.optim.Adam, "args": {"lr": 2e-4, "betas": (0.5, 0.999)}}
    of_generator = {"encoding_dims": LATENT_GAN, "out_channels": channels}
    players = {
        "generator": {"name": generator, "args": of_generator, "optimizer": adam},
        "discriminator": {"name": discriminator, "args": {"in_channels": channels}, "optimizer": adam},
    }
    losses = [MinimaxGeneratorLoss(), MinimaxDiscriminatorLoss()]
    paths = {"checkpoints": f"{folder}/gan", "recon": f"{folder}/images"}
    trainer = Trainer(players, losses, device=torch.device("cpu"), epochs=1, **paths)
    trainer.save_model = lambda *_, **__: None
    return trainer


class TorchGAN(Peer):
    """Its DCGAN by its Trainer, on digits with a border that makes them 32 x 32."""

    def __init__(self) -> None:
        self.trainer = torchgan_trainer(1)
        self.module = nn.ModuleDict({name: getattr(self.trainer, name) for name in ("generator", "discriminator")})

    def train(self, images: Tensor, seconds: float) -> Until:
        x = _padded(images)
        loader = Until(TensorDataset(x, torch.zeros(len(x), dtype=torch.int64)), 64, seconds)
        self.trainer(loader)
        return loader

    def chunk(self, n: int) -> Tensor:
        return self.module["generator"](torch.randn(n, LATENT_GAN))


# pythae


def pythae_trainer(shape: tuple[int, ...], images: Tensor, batch: int) -> Any:
    """Its BaseTrainer and its VAE on its default perceptrons, with the rate of its examples; images in [0, 1]."""
    from pythae.data.datasets import BaseDataset
    from pythae.models import VAE, VAEConfig
    from pythae.trainers import BaseTrainer, BaseTrainerConfig

    config = BaseTrainerConfig(
        output_dir=tempfile.mkdtemp(), per_device_train_batch_size=batch, num_epochs=1, learning_rate=1e-3, no_cuda=True
    )
    model = VAE(VAEConfig(input_dim=shape, latent_dim=LATENT_VAE))
    trainer = BaseTrainer(model, BaseDataset(images, torch.zeros(len(images))), training_config=config)
    trainer.prepare_training()
    return trainer


class Pythae(Peer):
    """Its VAE, and its sampler that fits a mixture of ten Gaussians to the latents."""

    def __init__(self) -> None:
        self.trainer = pythae_trainer((1, SIDE, SIDE), torch.zeros(64, 1, SIDE, SIDE), 64)
        self.module = self.trainer.model

    def train(self, images: Tensor, seconds: float) -> Until:
        from pythae.data.datasets import BaseDataset, collate_dataset_output

        data = BaseDataset(images[:, None].float() / 255, torch.zeros(len(images)))
        loader = self.trainer.train_loader = Until(data, 64, seconds, collate_fn=collate_dataset_output)
        self.trainer.train_step(epoch=1)
        return loader

    def fit(self, images: Tensor) -> None:
        from pythae.samplers import GaussianMixtureSampler

        self.sampler = GaussianMixtureSampler(self.module.eval())
        self.sampler.fit(images[:, None].float() / 255)

    def chunk(self, n: int) -> Tensor:
        return self.sampler.sample(n, batch_size=n) * 2 - 1


# diffusers


class DDPM:
    """The training of its example script for unconditional generation, with the script's defaults."""

    def __init__(self, unet: nn.Module, lr: float = 1e-4):
        from diffusers import DDPMScheduler
        from diffusers.training_utils import EMAModel

        self.unet, self.noises = unet, DDPMScheduler(num_train_timesteps=NOISES)
        self.optimiser = torch.optim.AdamW(unet.parameters(), lr=lr, betas=(0.95, 0.999), weight_decay=1e-6, eps=1e-8)
        options = {"decay": 0.9999, "use_ema_warmup": True, "inv_gamma": 1.0, "power": 0.75}
        self.average = EMAModel(unet.parameters(), **options)

    def plan(self, steps: int, warm_up: int = WARM_UP) -> None:
        from diffusers.optimization import get_scheduler

        self.rate = get_scheduler("cosine", self.optimiser, num_warmup_steps=warm_up, num_training_steps=steps)

    def step(self, x: Tensor) -> float:
        noise, times = torch.randn_like(x), torch.randint(0, NOISES, (len(x),))
        predicted = self.unet(self.noises.add_noise(x, noise, times), times).sample
        loss = F.mse_loss(predicted, noise)
        loss.backward()
        nn.utils.clip_grad_norm_(self.unet.parameters(), 1.0)
        self.optimiser.step()
        self.rate.step()
        self.optimiser.zero_grad()
        self.average.step(self.unet.parameters())
        return loss.item()


class Diffusers(Peer):
    """Its example script on digits with a border that makes them 32 x 32; sampled by DDIM in 50 steps.

    The network is small, and batch and rate go with it: the script's own see 448 images in six seconds here.
    """

    def __init__(self) -> None:
        from diffusers import UNet2DModel

        self.module = UNet2DModel(**SMALL_UNET, in_channels=1, out_channels=1)

    def train(self, images: Tensor, seconds: float) -> Until:
        x, batch, ddpm = _padded(images), SMALL_BATCH, DDPM(self.module.train(), SMALL_RATE)
        steps = max(1, int(seconds / self._seconds_per_step(x[:batch])))
        ddpm.plan(steps, min(WARM_UP, steps // 10))  # or half of a short training would be warm-up
        loader = Until(TensorDataset(x), batch, seconds)
        for (x,) in loader:
            ddpm.step(x)
        ddpm.average.copy_to(self.module.parameters())
        return loader

    def chunk(self, n: int) -> Tensor:
        from diffusers import DDIMScheduler

        scheduler, x = DDIMScheduler(num_train_timesteps=NOISES), torch.randn(n, 1, PADDED, PADDED)
        scheduler.set_timesteps(DDIM_STEPS)
        for t in scheduler.timesteps:
            x = scheduler.step(self.module(x, t).sample, t, x).prev_sample
        return x

    def _seconds_per_step(self, x: Tensor) -> float:
        """By a copy, before the time runs, as anew measures its speed."""
        ddpm, took = DDPM(deepcopy(self.module)), []
        ddpm.plan(10**6)
        for _ in range(8):
            start = time.monotonic()
            ddpm.step(x)
            took.append(time.monotonic() - start)
        return sum(took[3:]) / len(took[3:])


PEERS: dict[str, Callable[[], Peer]] = {"torchgan": TorchGAN, "pythae": Pythae, "diffusers": Diffusers}


def _padded(images: Tensor) -> Tensor:
    """uint8 (n, 28, 28) to float32 (n, 1, 32, 32) in [-1, 1]"""
    margin = (PADDED - SIDE) // 2
    return F.pad(images[:, None].float() / 127.5 - 1, [margin] * 4, value=-1.0)


def _stub_torchvision() -> None:
    """What torchgan imports of torchvision: a grid of samples, and its file, which is not written."""
    torchvision, utils = ModuleType("torchvision"), ModuleType("torchvision.utils")
    utils.make_grid = lambda x, **_: x  # type: ignore[attr-defined]
    utils.save_image = lambda *_: None  # type: ignore[attr-defined]
    torchvision.utils = utils  # type: ignore[attr-defined]
    sys.modules |= {"torchvision": torchvision, "torchvision.utils": utils}
