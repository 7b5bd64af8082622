"""What has to be true of a MIDI file before symusic reads it: it trusts what it reads, and damage would end Python."""

from __future__ import annotations

from anew.codecs.codec import BadRecord

_LONGEST = 2**31 - 1  # ticks
_LENGTHS = {0x51: 3, 0x58: 4, 0x59: 2}  # bytes of what says tempo, time signature and key
_END, _META, _EXCLUSIVE = 0x2F, 0xFF, (0xF0, 0xF7)


def check_midi(content: bytes) -> None:
    """Raises BadRecord for a file whose events run over its end, or hold what no event can.

    Every event of every track is looked at (Standard MIDI Files 1.0), none is understood.
    """
    if not content.startswith(b"MThd"):
        raise BadRecord("is no MIDI file; expected it to begin with MThd")
    try:
        if not 0 < content[12] << 8 | content[13] < 0x8000:
            raise BadRecord("counts time in frames of a film; expected ticks of a quarter")
        at = 8 + int.from_bytes(content[4:8])
        while at + 8 <= len(content):
            name, length = content[at : at + 4], int.from_bytes(content[at + 4 : at + 8])
            at += 8
            if at + length > len(content):
                raise IndexError
            if name == b"MTrk":
                _check_track(content[at : at + length])
            at += length
    except IndexError:
        raise BadRecord("is a MIDI file that is cut off or damaged") from None


def _check_track(track: bytes) -> None:
    """Raises IndexError where it ends too soon."""
    at = time = status = 0
    while at < len(track):
        wait, at = _number(track, at)
        time += wait
        if track[at] == _META:
            kind = track[at + 1]
            length, at = _number(track, at + 2)
            if length != _LENGTHS.get(kind, length):
                raise IndexError
            at += length
            if kind == _END:
                break
        elif track[at] in _EXCLUSIVE:
            length, at = _number(track, at + 1)
            at += length
        else:
            if track[at] >= 0x80:
                status, at = track[at], at + 1
            if not 0x80 <= status < 0xF0:
                raise IndexError
            last = at if 0xC0 <= status < 0xE0 else at + 1
            if track[at] > 0x7F or track[last] > 0x7F:
                raise IndexError
            at = last + 1
    if at > len(track) or time > _LONGEST:
        raise IndexError


def _number(track: bytes, at: int) -> tuple[int, int]:
    """Of up to four bytes with seven bits each; and where the next thing is."""
    number = 0
    for place in range(at, at + 4):
        number = number << 7 | track[place] & 0x7F
        if track[place] < 0x80:
            return number, place + 1
    raise IndexError
