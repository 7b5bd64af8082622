"""What the guard does about each of its signals, and what it advises for the next run."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from anew.training.guard import Guard

AUGMENT, MOST = 0.3, 0.8  # by how much, and up to what share, examples are augmented
FREE = 0.25  # nats of each latent


class Signal(NamedTuple):
    """`act` mends and says what it did; "" if there is nothing left to do. `advice` is for the next run."""

    act: Callable[[Guard], str]
    advice: str


def lower_rate(guard: Guard) -> str:
    said = guard.back()
    guard.trainer.slower /= 10
    return f"{said}, with a tenth of the rate ({guard.trainer.config.lr * guard.trainer.slower:.2g})"


def augment(guard: Guard) -> str:
    """Karras et al. 2020 ("ADA"): what is augmented cannot be learned by heart."""
    dials = guard.trainer.model.dials
    if dials.get("augmented", 1.0) >= MOST:
        return ""
    dials["augmented"] = min(MOST, dials["augmented"] + AUGMENT)
    return f"shows it augmented examples from now on ({dials['augmented']:.0%})"


def even_out(guard: Guard) -> str:
    """A relativistic loss does not saturate (Jolicoeur-Martineau 2018); then the discriminator's rate."""
    dials = guard.trainer.model.dials
    if not dials.get("relativistic", 1.0):
        dials["relativistic"] = 1.0
        return "changed to the relativistic loss"
    dials["discriminator_rate"] = dials.get("discriminator_rate", 1.0) / 4
    return f"lowered the discriminator's rate to {dials['discriminator_rate']:.0%}"


def diversify(guard: Guard) -> str:
    dials = guard.trainer.model.dials
    if "penalty" in dials:
        dials["penalty"] *= 2
        return f"{guard.back()}, with {dials['penalty']:.0f} times the gradient penalty"
    return lower_rate(guard)


def wake_latents(guard: Guard) -> str:
    """Free bits (Kingma et al. 2016) and the KL warm-up again (Bowman et al. 2016)."""
    trainer, dials = guard.trainer, guard.trainer.model.dials
    if dials.get("free_bits", 1.0) > 0:  # which didn't help
        return lower_rate(guard)
    dials |= {"free_bits": FREE, "kl_from": trainer.step / trainer.steps}
    return f"{guard.back()}; the KL term grows anew, and {FREE} nats of each latent cost nothing"


SIGNALS = {
    "not finite": Signal(lower_rate, "try --set lr={lr:.1g}"),
    "discriminator overfits": Signal(augment, "more data would help, or a smaller --size"),
    "generator's gradient vanishes": Signal(even_out, "try --model r3gan, or --set r1=1"),
    "divergence": Signal(lower_rate, "try --set lr={lr:.1g}"),
    "mode collapse": Signal(diversify, "try --set lr={lr:.1g}, or another --model"),
    "posterior collapse": Signal(wake_latents, "try a smaller --set beta"),
    "overfitting": Signal(lambda guard: "", "more data would help, or fewer --minutes, or --set dropout=0.2"),
    "memorisation": Signal(lambda guard: "", "more data would help, or fewer --minutes"),
}
