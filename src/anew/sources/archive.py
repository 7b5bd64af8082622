"""A zip of a folder of images, read in place."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import ClassVar
from zipfile import BadZipFile, ZipFile, ZipInfo

from anew.errors import AnewError
from anew.sources.files import fingerprint, is_image, labels, readable
from anew.sources.source import Record, Source

_LARGEST = 2**30  # bytes of one image, unpacked
_UTF8 = 0x800
_ENCRYPTED = 0x1


class Archive(Source):
    """Yields the bytes of each image in a zip, in the order of their names; a damaged one yields b""."""

    reads: ClassVar[str] = "a .zip of such a folder"

    @classmethod
    def accepts(cls, location: str) -> bool:
        path = Path(location)
        return path.suffix.lower() == ".zip" and path.is_file()

    def __init__(self, location: str) -> None:
        self._path = Path(location).absolute()
        self.name = readable(self._path.stem)
        self.location = str(self._path)
        members = {_name(info): info for info in self._list() if is_image(_name(info))}
        self._names = sorted(members, key=str)
        self._members = [members[name] for name in self._names]
        if not self._members:
            raise AnewError(f"'{location}' holds no images; expected files such as .png or .jpg")
        for member in self._members:
            _check(member, location)

    def __iter__(self) -> Iterator[Record]:
        with ZipFile(self._path) as archive:
            for member, name, given in zip(self._members, self._names, labels(_unwrapped(self._names))):
                yield Record(_read(archive, member), dict(given), readable(str(name)))

    def __len__(self) -> int:
        return len(self._members)

    def fingerprint(self) -> str:
        return fingerprint("archive", [self._path], self._path.parent)

    def _list(self) -> list[ZipInfo]:
        try:
            with ZipFile(self._path) as archive:
                return [info for info in archive.infolist() if not info.is_dir()]
        except (BadZipFile, NotImplementedError, EOFError, ValueError) as error:
            message = f"'{self._path}' is a damaged zip ({error}); copy or download it again"
            raise AnewError(message) from error


def _check(member: ZipInfo, location: str) -> None:
    if member.flag_bits & _ENCRYPTED:
        raise AnewError(f"'{location}' is encrypted; unpack it and give the folder")
    if member.file_size > _LARGEST:
        size = member.file_size / 2**30
        raise AnewError(f"'{member.filename}' in '{location}' is {size:.1f} GB; an image may be 1 GB at most")


def _name(info: ZipInfo) -> PurePosixPath:
    """The path inside the zip; many programs write UTF-8 and forget to say so."""
    if info.flag_bits & _UTF8:
        return PurePosixPath(info.filename)
    try:
        return PurePosixPath(info.filename.encode("cp437").decode("utf-8"))
    except UnicodeError:
        return PurePosixPath(info.filename)


def _unwrapped(names: list[PurePosixPath]) -> list[PurePosixPath]:
    """Without the one folder that wraps all, unless it is the only one and so the only label there can be."""
    wrapped = len({name.parts[0] for name in names}) == 1 and any(len(name.parts) > 2 for name in names)
    return [PurePosixPath(*name.parts[1:]) for name in names] if wrapped else names


def _read(archive: ZipFile, member: ZipInfo) -> bytes:
    try:
        return archive.read(member)
    except (BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, RuntimeError, ValueError):
        return b""
