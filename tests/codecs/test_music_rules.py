"""All that is drawn under the rules can be decoded, and is written as it would be read."""

from __future__ import annotations

import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tunes import chorale, fitted, notes_of, score

from anew.codecs.music.codec import MusicCodec
from anew.codecs.music.events import Kind

OPTIONS = st.fixed_dictionaries({"velocity": st.booleans(), "tempo": st.booleans(), "voices": st.booleans()})


def band(seed: int, signature: tuple[int, int]) -> MusicCodec:
    generator = torch.Generator().manual_seed(seed)
    many = torch.randint(0, 60, (40, 3), generator=generator).tolist()
    chords = [(start, 1 + length % 9, 40 + pitch % 12) for start, length, pitch in many]
    line = [(8 * i, 4, 70 + i % 3) for i in range(6)]
    drums = [(4 * i, 1, 36 + i % 2) for i in range(10)]
    return score(
        chords,
        line,
        drums,
        programs=(0, 40, 128),
        signatures=[(0, 4, 4), (16, *signature)],
        tempos=[(0, 90.0), (20, 180.0)],
        velocity=30 + seed % 90,
    )


def draw(codec: MusicCodec, n: int, seed: int, end: float) -> torch.Tensor:
    """(n, length) each code being drawn among those that are allowed; all kinds of them as likely as each other."""
    generator, rules = torch.Generator().manual_seed(seed), codec.rules(n)
    kinds = torch.from_numpy(codec.events.kinds)
    x, done = torch.zeros(n, codec.space.length, dtype=torch.int64), torch.zeros(n, dtype=torch.bool)
    for place in range(codec.space.length):
        allowed = rules.allowed()
        assert allowed.shape == (n, codec.space.vocabulary + 1)
        assert allowed.any(1).all()
        weights = torch.zeros_like(allowed, dtype=torch.float64)
        for kind in Kind:
            some = allowed & (kinds == kind)
            weights += some / some.sum(1, keepdim=True).clamp(min=1) * (end if kind == Kind.END else 1)
        weights[done, 0] = 1
        drawn = torch.multinomial(weights + 1e-12 * allowed, 1, generator=generator)[:, 0].masked_fill(done, 0)
        x[:, place] = drawn
        done |= drawn == 0
        rules.tell(drawn)
    return x


@settings(max_examples=25, deadline=None)
@given(OPTIONS, st.integers(0, 1000), st.sampled_from([(3, 4), (6, 8), (7, 8), (1, 16)]), st.sampled_from([0.02, 0.3]))
def test_what_is_drawn_is_music_and_is_written_in_one_way(options, seed, signature, end):
    codec = fitted(band(seed, signature), *map(chorale, range(2)), length=120, **options)
    x = draw(codec, 12, seed, end)
    samples = codec.decode(x)
    again = codec.encode(samples)
    for drawn, read, sample in zip(x, again, samples):
        kept = int((read > 0).sum())
        assert torch.equal(drawn[:kept], read[:kept])
        lost = codec.events.kinds[drawn[kept:][drawn[kept:] > 0].numpy()]
        assert Kind.DURATION not in lost  # only what the length cut off: a note without its length, bars without notes
        assert not len(lost) or (drawn > 0).all()
        assert sample.note_num() == (codec.events.kinds[drawn.numpy()] == Kind.DURATION).sum()
        if sample.note_num():
            whole = codec.load(codec.to_bytes(sample))
            assert sum(passage.note_num() for passage in whole) == sample.note_num()


def test_a_voice_sings_one_note_at_a_time_and_a_piano_many():
    codec = fitted(band(0, (3, 4)))
    assert {track // 16 for track in codec.events.single} == {40, 128}
    samples = codec.decode(draw(codec, 40, 0, 0.01))
    piano = []
    for sample in samples:
        for track, notes in zip(sample.tracks, notes_of(sample)):
            overlaps = [a + d > b for (a, d, _), (b, _, _) in zip(notes, notes[1:])]
            assert track.program == 0 or not any(overlaps)
            piano += overlaps if track.program == 0 and not track.is_drum else []
    assert any(piano)


def test_music_begins_with_a_bar_and_ends_after_a_note():
    codec = fitted(*map(chorale, range(3)), tempo=True)
    rules = codec.rules(1)
    kinds = torch.from_numpy(codec.events.kinds)
    for following in ([Kind.BAR], [Kind.TEMPO], [Kind.BAR, Kind.PLACE, Kind.NOTE], [Kind.DURATION]):
        allowed = rules.allowed()[0]
        assert sorted(set(kinds[allowed].tolist())) == following
        rules.tell(allowed.nonzero()[-1])
    assert rules.allowed()[0, 0]
