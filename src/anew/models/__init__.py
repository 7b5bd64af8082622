"""Model families and their recipes: one visible table. To add a recipe, add a line."""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any

from anew.errors import unknown

if TYPE_CHECKING:
    from anew.models.model import Model
    from anew.spaces import Space

RECIPES: dict[str, tuple[str, str]] = {
    "vae": ("anew.models.vae:vae", "variational autoencoder: fast, smooth latent space, likelihood bound"),
    "beta-vae": ("anew.models.vae:beta_vae", "few latents that each mean one thing (Higgins et al. 2017)"),
    "tvae": ("anew.models.vae:tvae", "variational autoencoder for tables (Xu et al. 2019)"),
    "autoencoder": ("anew.models.vae:autoencoder", "a map of latents for others to train in (Rombach et al. 2022)"),
    "hierarchical-vae": (
        "anew.models.hierarchical_vae:hierarchical_vae",
        "latents at each size, coarse to fine: sharper, and a better bound (Child 2021)",
    ),
    "vq-vae": ("anew.models.vq_vae:vq_vae", "a map of codes and a Transformer over it (van den Oord et al. 2017)"),
    "gan": ("anew.models.gan:gan", "the original GAN: two perceptrons (Goodfellow et al. 2014)"),
    "dcgan": ("anew.models.gan:dcgan", "convolutional GAN with batch norm (Radford et al. 2015)"),
    "wgan": ("anew.models.gan:wgan", "Wasserstein GAN, critic kept Lipschitz by spectral norm"),
    "wgan-gp": ("anew.models.gan:wgan_gp", "Wasserstein GAN with gradient penalty (Gulrajani et al. 2017)"),
    "lsgan": ("anew.models.gan:lsgan", "least-squares GAN (Mao et al. 2017)"),
    "densenet-gan": ("anew.models.gan:densenet_gan", "DCGAN with a densely connected generator (Huang et al. 2017)"),
    "sngan": ("anew.models.gan:sngan", "residual GAN with spectral norm and hinge loss (Miyato et al. 2018)"),
    "r3gan": ("anew.models.gan:r3gan", "relativistic GAN with R1 and R2, small (Huang et al. 2024)"),
    "stylegan2": ("anew.models.gan:stylegan2", "styles, noise and adaptive augmentation, small (Karras et al. 2020)"),
    "ctgan": ("anew.models.ctgan:ctgan", "GAN for tables, trained by sampling, with a packed critic (Xu et al. 2019)"),
    "flow_matching": (
        "anew.models.flow_matching:flow_matching",
        "rectified flow on a U-Net (Liu et al. 2022)",
    ),
    "shortcut": ("anew.models.flow_matching:shortcut", "rectified flow, sampled in 1 to 4 steps (Frans et al. 2024)"),
    "autoregressive": (
        "anew.models.autoregressive:autoregressive",
        "sequences, and walks through graphs: a Transformer; tables: one field after the other (Uria et al. 2014)",
    ),
    "masked-diffusion": (
        "anew.models.masked_diffusion:masked_diffusion",
        "sequences that come out of hiding: fills in gaps in any place (Sahoo et al. 2024)",
    ),
    "text-vae": ("anew.models.text_vae:text_vae", "sequences from a latent vector (Bowman et al. 2016)"),
    "seqgan": ("anew.models.seqgan:seqgan", "rewarded by a discriminator: a lesson, not better (Yu et al. 2017)"),
    "ngram": ("anew.models.ngram:ngram", "what came after the same few codes: the baseline of sequences"),
    "mixture": ("anew.models.mixture:mixture", "kinds of rows within which fields are independent: exact, in seconds"),
    "independent": ("anew.models.mixture:independent", "each field on its own: the baseline of tables"),
    "graph-vae": ("anew.models.graph_vae:graph_vae", "graphs from a latent vector (Simonovsky and Komodakis 2018)"),
    "erdos-renyi": (
        "anew.models.graph_baselines:erdos_renyi",
        "each pair of nodes joined alike: the baseline of graphs",
    ),
    "configuration-model": ("anew.models.graph_baselines:configuration_model", "degrees as they are, random beyond"),
    "block-model": (
        "anew.models.graph_baselines:block_model",
        "groups of nodes, degree-corrected (Karrer and Newman 2011)",
    ),
    "planar": ("anew.models.flow:planar", "planar normalizing flow (Rezende and Mohamed 2015)"),
    "realnvp": ("anew.models.flow:realnvp", "normalizing flow of affine couplings (Dinh et al. 2017; Glow's layers)"),
    "spline-flow": ("anew.models.flow:spline_flow", "normalizing flow of spline couplings (Durkan et al. 2019)"),
}


def recipes() -> dict[str, tuple[str, str]]:
    """{name: ("module:function", description)}, with what other packages add under the group `anew.models`."""
    others = {point.name: (point.value, "from another package") for point in entry_points(group="anew.models")}
    return RECIPES | others


def build(recipe: str, space: Space, given: Space | None, size: int, changes: dict[str, Any] | None = None) -> Model:
    """A configured model with fresh weights. `changes` replaces values of the recipe's configuration."""
    table = recipes()
    if recipe not in table:
        raise unknown("model", recipe, table)
    module, function = table[recipe][0].split(":")
    model: Model = getattr(import_module(module), function)(space, given, size, **(changes or {}))
    return model
