"""The order of imports, the public names, and the weight of importing."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import anew

ROOT = Path(anew.__file__).parent
# Each imports only those to its right, and its own kind.
ORDER = [
    "cli", "analysis", "evaluation", "editing", "training", "run", "latent", "given", "samples", "tables", "sampler",
    "drawing", "constraints", "models", "codecs", "sources", "nn", "rng", "spaces", "writing", "display", "errors",
]  # fmt: skip
UPWARDS = {
    ("run", "anew.editing.complete"),
    ("run", "anew.evaluation.build"),
    ("run", "anew.evaluation.selftest"),
}  # a run shows how good it is
FILES = sorted(ROOT.rglob("*.py"))


def part(module: str) -> str:
    """anew.nn.conv -> nn"""
    return module.split(".")[1] if "." in module else ""


def imports(tree: ast.AST) -> Iterator[str]:
    """Also those within functions; not those that only a type checker sees."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            continue
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports name the whole path"
            yield from (
                f"{node.module}.{name.name}" if node.module == "anew" else str(node.module) for name in node.names
            )
        else:
            yield from imports(node)


def read(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def test_every_part_has_its_place():
    parts = {path.relative_to(ROOT).parts[0].removesuffix(".py") for path in FILES}
    assert parts - {"__init__"} == set(ORDER)


@pytest.mark.parametrize("path", FILES, ids=name)
def test_imports_go_down_the_order(path: Path):
    own = path.relative_to(ROOT).parts[0].removesuffix(".py")
    for module in imports(read(path)):
        if not module.startswith("anew.") or own == "__init__" or (own, module) in UPWARDS:
            continue
        assert ORDER.index(part(module)) >= ORDER.index(own), f"{name(path)} imports {module}"


def test_exceptions_are_still_needed():
    found = {(name(path).removesuffix(".py"), module) for path in FILES for module in imports(read(path))}
    assert found >= UPWARDS


def test_nothing_that_is_not_to_be_used():
    """torchvision and torchaudio have no build to rely on; what is pickled runs code when it is loaded."""
    banned = {"pickle", "torchvision", "torchaudio", "shelve", "marshal", "dill", "joblib", "requests"}
    for path in FILES:
        used = {module.split(".")[0] for module in imports(read(path))}
        assert not used & banned, name(path)
        calls = {ast.unparse(node.func) for node in ast.walk(read(path)) if isinstance(node, ast.Call)}
        assert not calls & {"torch.load", "torch.save", "eval", "exec", "torch.jit.script", "torch.jit.trace"}, name(
            path
        )


def test_no_drawer_for_everything():
    assert not [name(path) for path in ROOT.rglob("*") if path.stem in ("utils", "util", "common", "helpers", "misc")]


def test_public_names():
    assert anew.__all__ == sorted(anew.__all__)
    for public in anew.__all__:
        assert getattr(anew, public) is not None
    assert anew.load == anew.Run.load
    with pytest.raises(AttributeError, match="has no attribute 'nonsense'"):
        anew.nonsense  # noqa: B018


@pytest.mark.parametrize(
    ("module", "absent"),
    [
        ("anew", ["torch", "numpy", "typer", "rich"]),
        ("anew.cli", ["torch", "numpy", "pandas", "PIL"]),
        ("anew.models", ["torch"]),
        ("anew.run", ["lightning_fabric", "sklearn", "pandas", "matplotlib"]),
    ],
)
def test_importing_is_light(module: str, absent: list[str]):
    code = f"import sys, {module}; print([name for name in {absent} if name in sys.modules])"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert shown.strip() == "[]"
