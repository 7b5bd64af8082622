"""Every test has a cache of its own session, and one thread where several tests run at a time."""

from __future__ import annotations

import os

import pytest
import torch
from hypothesis import settings


@pytest.fixture(scope="session", autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> None:
    os.environ["ANEW_CACHE"] = str(tmp_path_factory.mktemp("cache"))


def pytest_configure() -> None:
    settings.register_profile("busy", deadline=None)  # a machine that is busy is no failure
    settings.load_profile("busy")
    if "PYTEST_XDIST_WORKER" in os.environ:
        torch.set_num_threads(1)
