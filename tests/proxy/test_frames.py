"""WebSocket frames: their ends are found however the bytes are cut."""

import struct

from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.frames import FrameCursor, close_frame

sizes = st.one_of(
    st.integers(0, 200), st.sampled_from((125, 126, 127, 65535, 65536)), st.integers(0, 70_000)
)


def frame(size: int, *, masked: bool) -> bytes:
    mask = b"mask" if masked else b""
    bit = 128 if masked else 0
    if size < 126:
        head = bytes((0x82, bit | size))
    elif size < 65536:
        head = bytes((0x82, bit | 126)) + struct.pack("!H", size)
    else:
        head = bytes((0x82, bit | 127)) + struct.pack("!Q", size)
    return head + mask + b"x" * size


@settings(deadline=None)
@given(st.lists(st.tuples(sizes, st.booleans()), max_size=4), st.lists(st.integers(1, 40_000)))
def test_only_whole_frames_end_at_a_boundary(
    frames: list[tuple[int, bool]], cuts: list[int]
) -> None:
    data = b"".join(frame(size, masked=masked) for size, masked in frames)
    ends, at = {0}, 0
    for size, masked in frames:
        at += len(frame(size, masked=masked))
        ends.add(at)
    cursor, at = FrameCursor(), 0
    for cut in [*cuts, len(data)]:
        cursor.feed(data[at : at + cut])
        at = min(len(data), at + cut)
        assert cursor.at_boundary == (at in ends)


@settings(deadline=None)
@given(sizes.filter(bool), st.data())
def test_finish_takes_what_belongs_to_the_frame_under_way(size: int, data: st.DataObject) -> None:
    raw = frame(size, masked=False)
    cut = data.draw(st.integers(1, len(raw) - 1))
    cursor = FrameCursor()
    cursor.feed(raw[:cut])
    assert cursor.finish(raw[cut:] + b"\x81\x01a") == len(raw) - cut
    assert cursor.at_boundary


@settings(deadline=None)
@given(st.lists(sizes, max_size=3), st.lists(st.integers(1, 40_000)), st.booleans())
def test_a_close_frame_is_found_behind_others_and_not_within_them(
    before: list[int], cuts: list[int], closes: bool
) -> None:
    data = b"".join(frame(size, masked=True).replace(b"x", b"\x88") for size in before)
    data += close_frame(masked=True) if closes else b""
    cursor, at, found = FrameCursor(), 0, False
    for cut in [*cuts, len(data)]:
        found = found or cursor.finds_close(data[at : at + cut])
        at = min(len(data), at + cut)
    assert found == closes


def test_a_close_frame_says_going_away() -> None:
    assert close_frame(masked=False) == b"\x88\x02\x03\xe9"
    masked = close_frame(masked=True)
    payload = bytes(a ^ b for a, b in zip(masked[6:], masked[2:6], strict=False))
    assert (masked[:2], payload) == (b"\x88\x82", b"\x03\xe9")
