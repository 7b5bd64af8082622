"""Graphs as drawings: nodes as dots and edges as lines, their kinds as colours."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

Colour = tuple[int, int, int]

_TILE, _LARGEST_PICTURE, _ZOOM = 160, 2000, 3  # pixels of one drawing and of all; drawn larger, then scaled down
_FINE = 48  # nodes up to which the slower, better layout is worth its time
_MARGIN, _BACKGROUND, _PAPER = 2, (232, 232, 232), (255, 255, 255)
_NODES = [(47, 93, 140), (217, 95, 2), (27, 138, 90), (170, 60, 140), (230, 171, 2), (102, 102, 102), (166, 86, 40),
          (100, 180, 220), (228, 26, 28), (90, 70, 160)]  # fmt: skip
_EDGES = [(150, 150, 150), (60, 60, 60), (200, 60, 50), (60, 110, 200), (40, 140, 80), (190, 140, 30)]


def draw_graphs(matrices: Sequence[np.ndarray], columns: int | None = None) -> bytes:
    """A PNG of graphs (n, n), kinds from 1 of nodes on the diagonal and of edges elsewhere, in rows of `columns`."""
    columns = columns or max(1, math.ceil(math.sqrt(len(matrices))))
    rows = max(1, math.ceil(len(matrices) / columns))
    side = max(16, min(_TILE, _LARGEST_PICTURE // max(columns, rows) - _MARGIN))
    step = side + _MARGIN
    picture = Image.new("RGB", (columns * step + _MARGIN, rows * step + _MARGIN), _BACKGROUND)
    for index, matrix in enumerate(matrices):
        row, column = divmod(index, columns)
        picture.paste(_draw(matrix, side), (column * step + _MARGIN, row * step + _MARGIN))
    return _png(picture)


def draw_graph(matrix: np.ndarray, side: int, marked: int = 0) -> bytes:
    """A PNG of one graph, in which the first nodes are numbered from 1."""
    return _png(_draw(matrix, side, marked))


def _png(picture: Image.Image) -> bytes:
    file = io.BytesIO()
    picture.save(file, "PNG")
    return file.getvalue()


def _draw(matrix: np.ndarray, side: int, marked: int = 0) -> Image.Image:
    large = side * _ZOOM
    tile = Image.new("RGB", (large, large), _PAPER)
    if not len(matrix):
        return tile.resize((side, side))
    pen, kinds, radius = ImageDraw.Draw(tile), np.diagonal(matrix), 0.045 * large
    points = _fitted(layout(matrix != 0), large, 2 * radius)
    radius = max(0.01 * large, min(radius, 0.45 * _usual_gap(points)))
    ends = np.argwhere(np.triu(matrix, 1)).tolist()
    thick = max(2, round(radius / 3 * min(1, 3 * len(matrix) / (1 + len(ends)))))
    for i, j in ends:
        pen.line([tuple(points[i]), tuple(points[j])], _EDGES[(matrix[i, j] - 1) % len(_EDGES)], thick)
    for (x, y), kind in zip(points, kinds):
        box = (x - radius, y - radius, x + radius, y + radius)
        pen.ellipse(box, _NODES[(kind - 1) % len(_NODES)], _PAPER, max(1, round(radius / 5)))
    for number, point in enumerate(points[:marked].tolist(), 1):
        _mark(pen, point, number, max(radius, 0.014 * large), _NODES[(kinds[number - 1] - 1) % len(_NODES)])
    return tile.resize((side, side), Image.Resampling.LANCZOS)


def _mark(pen: ImageDraw.ImageDraw, point: Sequence[float], number: int, radius: float, colour: Colour) -> None:
    x, y = point
    pen.ellipse((x - radius, y - radius, x + radius, y + radius), _PAPER, colour, max(2, round(radius / 4)))
    pen.text((x, y), str(number), colour, ImageFont.load_default(1.1 * radius), anchor="mm")


def layout(adjacency: np.ndarray) -> np.ndarray:
    """(n, 2): Kamada and Kawai 1989 for small graphs, Fruchterman and Reingold 1991 from a start by distances for
    larger ones; parts that are not joined stand side by side.
    """
    from scipy.sparse.csgraph import connected_components

    count, part = connected_components(adjacency, directed=False)
    pieces = sorted((np.flatnonzero(part == number) for number in range(count)), key=len, reverse=True)
    points, x = np.zeros((len(adjacency), 2)), 0.0
    for nodes in pieces:
        width = math.sqrt(len(nodes))
        points[nodes] = _connected(adjacency[np.ix_(nodes, nodes)]) * width / 2 + (x + width / 2, 0)
        x += width + 0.5
    return points if count <= 2 else _shelved(points, pieces)


def _shelved(points: np.ndarray, pieces: list[np.ndarray]) -> np.ndarray:
    """Parts in rows, as wide together as they are high."""
    sizes = [np.ptp(points[nodes], axis=0).max() + 1 for nodes in pieces]
    widest = max(max(sizes), math.sqrt(sum(size**2 for size in sizes)))
    x = y = height = 0.0
    for nodes, size in zip(pieces, sizes):
        if x and x + size > widest:
            x, y, height = 0.0, y + height, 0.0
        points[nodes] += (x, y) - points[nodes].min(0)
        x, height = x + size, max(height, size)
    return points


def _connected(adjacency: np.ndarray) -> np.ndarray:
    """(n, 2) within [-1, 1]"""
    import networkx as nx
    from scipy.sparse.csgraph import shortest_path

    n = len(adjacency)
    if n < 3:
        return np.array([[0.0, 0.0]] if n == 1 else [[-0.6, 0.0], [0.6, 0.0]])
    graph = nx.from_numpy_array(adjacency & ~np.eye(n, dtype=bool))
    distances = shortest_path(adjacency, directed=False, unweighted=True)
    start = dict(enumerate(_by_distances(distances)))
    if n <= _FINE:
        found = nx.kamada_kawai_layout(
            graph, dist={i: dict(enumerate(row)) for i, row in enumerate(distances)}, pos=start
        )
    else:
        found = nx.spring_layout(graph, pos=start, iterations=30, seed=0)
    return np.array([found[node] for node in range(n)])


def _by_distances(distances: np.ndarray) -> np.ndarray:
    """Classical scaling (Torgerson 1952): (n, 2) whose distances are nearly these, within [-1, 1]."""
    squares = distances**2
    products = -0.5 * (squares - squares.mean(0) - squares.mean(1)[:, None] + squares.mean())
    values, vectors = np.linalg.eigh(products)
    points = vectors[:, -2:] * np.sqrt(values[-2:].clip(min=0))
    jitter = 1e-3 * np.random.default_rng(0).normal(size=points.shape)  # so that no two lie on each other
    return points / max(np.abs(points).max(), 1e-9) + jitter


def _usual_gap(points: np.ndarray) -> float:
    """How far the nearest other node is, of half of them."""
    if len(points) < 2:
        return np.inf
    distances = np.linalg.norm(points[:, None] - points, axis=2)
    return float(np.median((distances + np.diag(np.full(len(points), np.inf))).min(1)))


def _fitted(points: np.ndarray, side: int, margin: float) -> np.ndarray:
    """As large as it fits into a square, in the middle of it."""
    span = max(np.ptp(points, axis=0).max(), 1e-9)
    centred = points - (points.max(0) + points.min(0)) / 2
    return centred * ((side - 2 * margin) / span if len(points) > 1 else 0) + side / 2
