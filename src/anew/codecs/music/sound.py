"""Music as sound, to listen to: a small synthesiser."""

from __future__ import annotations

import io
import wave
from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from anew.codecs.music.library import Score

RATE = 22_050  # samples a second
_HARMONICS = (1.0, 0.5, 0.33, 0.2, 0.12, 0.07, 0.04, 0.02)  # amplitudes
_LONGEST, _PAUSE = 600.0, 1.0  # seconds: of a piece, and after it
_ATTACK, _RELEASE = 0.008, 0.12  # seconds
_STRUCK = (range(16), range(24, 40), range(45, 48), range(104, 120))  # programs of notes that die away by themselves
_FADE, _HELD = 0.7, 6.0  # seconds in which a note dies away to a third, struck or not
_KICKS = (35, 36, 41, 43, 45, 47, 48, 50)  # drums with a pitch
_LOUDEST = 0.9


def to_wav(scores: Sequence[Score]) -> bytes:
    """A WAV file (mono, 16 bit) of scores, one after the other, with a pause after each."""
    sound = np.concatenate([np.zeros(1, np.float32), *(synthesise(score) for score in scores)])
    loudest = float(np.abs(sound).max())
    values = (sound * (_LOUDEST * 32767 / (loudest or 1))).astype("<i2")
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(RATE)
        out.writeframes(values.tobytes())
    return file.getvalue()


def synthesise(score: Score) -> np.ndarray:
    """float32 (samples,): all notes of the first ten minutes, and a pause."""
    score = score.to("second")
    ends = [float((told["time"] + told["duration"]).max(initial=0)) for told in (t.notes.numpy() for t in score.tracks)]
    sound = np.zeros(int((min(max(ends, default=0.0), _LONGEST) + _RELEASE + _PAUSE) * RATE), np.float32)
    for track in score.tracks:
        struck = any(track.program in programs for programs in _STRUCK)
        notes = track.notes.numpy()
        for time, duration, pitch, velocity in zip(*(notes[name].tolist() for name in notes)):
            start = int(time * RATE)
            length = int(min(duration, _LONGEST) * RATE)
            tone = _drum(pitch) if track.is_drum else _tone(pitch, length, struck)
            part = sound[start : start + len(tone)]
            part += tone[: len(part)] * np.float32(velocity / 127)
    return sound


@lru_cache(1_024)
def _tone(pitch: int, length: int, struck: bool) -> np.ndarray:
    """float32 (length and release,): harmonics below half of the rate, the higher the faster they die away."""
    time = np.arange(length + int(_RELEASE * RATE), dtype=np.float32) / RATE
    frequency = 440.0 * 2.0 ** ((pitch - 69) / 12)
    fade = (_FADE if struck else _HELD) * 2 ** ((60 - pitch) / 24)
    tone = np.zeros_like(time)
    for number, amplitude in enumerate(_HARMONICS, 1):
        if number * frequency < RATE / 2:
            tone += amplitude * np.sin(2 * np.pi * number * frequency * time) * np.exp(-time * number**0.5 / fade)
    end = length / RATE
    return tone * np.minimum(1, time / _ATTACK) * np.clip(1 - (time - end) / _RELEASE, 0, 1)


@lru_cache(128)
def _drum(pitch: int) -> np.ndarray:
    """A thump for drums with a pitch, noise for the others, longer for cymbals; always the same."""
    thump, cymbal = pitch in _KICKS, pitch >= 49
    time = np.arange(int((0.6 if cymbal else 0.25) * RATE), dtype=np.float32) / RATE
    if thump:
        return 2 * np.sin(2 * np.pi * (50 * time + 4 * (1 - np.exp(-time * 30)))) * np.exp(-time * 12)
    noise = np.random.default_rng(pitch).standard_normal(len(time)).astype(np.float32)
    return noise * np.exp(-time * (8 if cymbal else 25)) * np.float32(0.5)
