"""The legacy columns and the kernel distance of the card beside torch-fidelity's, on the same features.

torch-fidelity is given a feature extractor of its own that hands the features through. It needs torchvision for data
sets and weights that are not used here, so a stand-in satisfies its imports.
"""

from __future__ import annotations

import argparse
import sys
from types import ModuleType
from typing import Any

import machine
import numpy as np
import torch
from rich.table import Table
from torch.utils.data import TensorDataset

from anew.evaluation.frechet import frechet
from anew.evaluation.kernel_distance import mmd
from anew.evaluation.precision_recall import precision_recall


class _Absent(ModuleType):
    """A module in which every name is an empty class."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return type(name, (), {})


def _stand_in(name: str) -> None:
    module = _Absent(name)
    module.__path__ = []
    parent, _, child = name.rpartition(".")
    if parent:
        setattr(sys.modules[parent], child, module)
    sys.modules[name] = module


for name in ("", ".datasets", ".transforms", ".transforms.functional", ".models"):
    _stand_in(f"torchvision{name}")

from torch_fidelity import calculate_metrics, register_feature_extractor  # noqa: E402
from torch_fidelity.feature_extractor_base import FeatureExtractorBase  # noqa: E402


class Features(TensorDataset):
    """Rows of features in place of pictures."""

    def __getitem__(self, index: int) -> torch.Tensor:
        return self.tensors[0][index]


class Through(FeatureExtractorBase):
    def __init__(self, name: str, features_list: list[str], **_: Any):
        super().__init__(name, features_list)

    @staticmethod
    def get_provided_features_list() -> tuple[str, ...]:
        return ("rows",)

    @staticmethod
    def get_default_feature_layer_for_metric(metric: str) -> str:
        del metric
        return "rows"

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor]:
        return (x,)


def theirs(x: np.ndarray, y: np.ndarray) -> dict[str, float]:
    found = calculate_metrics(
        input1=Features(torch.from_numpy(x)), input2=Features(torch.from_numpy(y)), feature_extractor="through",
        fid=True, kid=True, prc=True, kid_subsets=1, kid_subset_size=len(x), cuda=False, save_cpu_ram=True,
        verbose=False, cache=False,
    )  # fmt: skip
    return {
        "Fréchet distance": found["frechet_inception_distance"],
        "kernel distance": found["kernel_inception_distance_mean"],
        "precision": found["precision"],
        "recall": found["recall"],
    }


def ours(x: np.ndarray, y: np.ndarray) -> dict[str, float]:
    precision, recall = precision_recall(x, y)
    return {
        "Fréchet distance": frechet(x, y).value,
        "kernel distance": mmd(x, y).value,
        "precision": precision.value,
        "recall": recall.value,
    }


def pairs(n: int, d: int) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Features (n, d) of made-up samples and of made-up real data."""
    rng = np.random.default_rng(0)
    mixing = rng.normal(size=(d, d)) / d**0.5
    real, alike, noise = (rng.normal(size=(n, d)) @ mixing for _ in range(3))
    sets = {"alike": alike, "shifted": alike + 0.3, "noisy": alike + 0.7 * noise, "narrow": 0.6 * alike}
    return {name: (x, real) for name, x in sets.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-n", type=int, default=2_000, help="samples, and real examples")
    parser.add_argument("--quick", action="store_true", help="a smoke test; writes no result")
    arguments, console = parser.parse_args(), machine.console()
    register_feature_extractor("through", Through)
    table = Table("samples", "measure", "anew", "torch-fidelity", "relative difference")
    results, others = [], machine.Others()
    for name, (x, y) in pairs(200 if arguments.quick else arguments.n, 64).items():
        mine, oracle = ours(x, y), theirs(x, y)
        for measure, value in mine.items():
            difference = abs(value - oracle[measure]) / max(abs(oracle[measure]), 1e-12)
            table.add_row(name, measure, f"{value:.6g}", f"{oracle[measure]:.6g}", f"{difference:.1e}")
            results.append({"samples": name, "measure": measure, "anew": value, "oracle": oracle[measure]})
    console.print(table)
    if not arguments.quick:
        console.print(f"written: {machine.write(machine.record(others, results=results), 'oracle')}")


if __name__ == "__main__":
    main()
