"""Built-in tables, which come with scikit-learn, for trying things out in seconds."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar

from anew.sources.source import Record, Source

if TYPE_CHECKING:
    import pandas as pd
    from sklearn.utils import Bunch


class BuiltInTable(Source):
    """One frame, as one block. The class of a row is named."""

    codec: ClassVar[str] = "table"
    rows: ClassVar[int]

    @classmethod
    def accepts(cls, location: str) -> bool:
        return location == cls.builtin

    def __init__(self, location: str = "") -> None:
        self.name = self.location = self.builtin

    def __iter__(self) -> Iterator[Record]:
        yield Record(self._frame(), {}, self.builtin, len(self))

    def __len__(self) -> int:
        return self.rows

    def fingerprint(self) -> str:
        return f"{self.builtin}-{self.rows}"

    @abstractmethod
    def _frame(self) -> pd.DataFrame: ...


class Wine(BuiltInTable):
    """UCI's Wine: chemistry of wines of one region, from three cultivars."""

    reads: ClassVar[str] = "table: 178 wines, 13 measurements and the cultivar"
    builtin: ClassVar[str] = "wine"
    rows: ClassVar[int] = 178

    def _frame(self) -> pd.DataFrame:
        from sklearn.datasets import load_wine

        return _named(load_wine(as_frame=True))


class BreastCancer(BuiltInTable):
    """UCI's Breast Cancer Wisconsin (Diagnostic)."""

    reads: ClassVar[str] = "table: 569 tumours, 30 measurements and the diagnosis"
    builtin: ClassVar[str] = "breast-cancer"
    rows: ClassVar[int] = 569

    def _frame(self) -> pd.DataFrame:
        from sklearn.datasets import load_breast_cancer

        return _named(load_breast_cancer(as_frame=True))


class Diabetes(BuiltInTable):
    """Efron et al. 2004, Least Angle Regression: progression of the disease a year later."""

    reads: ClassVar[str] = "table: 442 patients, 10 measurements and the progression of diabetes"
    builtin: ClassVar[str] = "diabetes"
    rows: ClassVar[int] = 442

    def _frame(self) -> pd.DataFrame:
        from sklearn.datasets import load_diabetes

        return load_diabetes(as_frame=True, scaled=False).frame


def _named(data: Bunch) -> pd.DataFrame:
    """With the names of the classes for their numbers."""
    return data.frame.assign(target=data.target_names[data.target])
