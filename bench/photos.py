"""A set of colour pictures without any download: crops of the photographs that scikit-learn and scikit-image ship.

`python bench/photos.py OUT --count 400 --size 64` writes PNG files, in a folder for each photograph; by the seed alone.
Crops of one photograph overlap, so what is held out of them is not strictly new.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

SHIPPED = ("astronaut", "chelsea", "coffee", "rocket", "motorcycle_left")  # by scikit-image; the others need a download
LARGEST = 0.6  # of the short side of a photograph; the smallest crop is as it is


def photographs() -> dict[str, Image.Image]:
    """Those of scikit-learn and, where it is installed, of scikit-image."""
    from sklearn.datasets import load_sample_images

    shipped = load_sample_images()
    names = (Path(name).stem for name in shipped.filenames)
    found = {name: Image.fromarray(pixels) for name, pixels in zip(names, shipped.images)}
    try:
        import skimage
    except ImportError:
        return found
    folder = Path(skimage.__file__).parent / "data"
    paths = (path for name in SHIPPED for path in sorted(folder.glob(f"{name}.*")))
    return found | {path.stem: Image.open(path).convert("RGB") for path in paths}


def crop(photograph: Image.Image, size: int, rng: np.random.Generator) -> Image.Image:
    """A random square, scaled down to `size` pixels; every other one is mirrored."""
    width, height = photograph.size
    side = int(rng.integers(size, max(size + 1, int(LARGEST * min(width, height)))))
    left, top = int(rng.integers(width - side + 1)), int(rng.integers(height - side + 1))
    square = photograph.resize((size, size), Image.Resampling.LANCZOS, (left, top, left + side, top + side))
    return ImageOps.mirror(square) if rng.random() < 0.5 else square


def make(out: Path, count: int, size: int, seed: int = 0) -> Path:
    """`count` crops, as many of each photograph as of each other; returns `out`."""
    rng, found = np.random.default_rng(seed), photographs()
    names = list(found)
    for index in range(count):
        name = names[index % len(names)]
        path = out / name / f"{index:05d}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        crop(found[name], size, rng).save(path)
    return out


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path, help="a folder")
    parser.add_argument("--count", type=int, default=400)
    parser.add_argument("--size", type=int, default=64, help="pixels")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    print(make(arguments.out, arguments.count, arguments.size, arguments.seed))


if __name__ == "__main__":
    main()
