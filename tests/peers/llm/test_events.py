"""Events out of bytes: the same however the network cuts them, and never more than we want to hold."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from botbot.peers.llm.events import MAX_EVENT_BYTES, Event, EventReader, TooLarge

STREAM = (
    "\ufeff: hello\r\n\r\nevent: error\ndata:no space\r\ndata:  two\r\rid: 7\nretry\ndata\n\n"
    'data: {"text": "Füchse 🦊 \u2028"}\r\n\r\nevent: alone\n\n: ping\n\ndata: [DONE]\n\ndata: cut off'
).encode()
EVENTS = [
    Event(b"no space\n two", b"error"),
    Event(b""),
    Event('{"text": "Füchse 🦊 \u2028"}'.encode()),
    Event(b"[DONE]"),
]


@given(st.lists(st.integers(0, len(STREAM)), max_size=40))
def test_any_cut_gives_the_same_events(cuts: list[int]) -> None:
    reader = EventReader()
    edges = [0, *sorted(cuts), len(STREAM)]
    pieces = [STREAM[start:end] for start, end in itertools.pairwise(edges)]
    assert [event for piece in pieces for event in reader.feed(piece)] == EVENTS


def test_a_byte_at_a_time_too() -> None:
    reader = EventReader()
    assert [event for byte in STREAM for event in reader.feed(bytes([byte]))] == EVENTS


@pytest.mark.parametrize("line", [b"data: ", b": ", b"", b"data: x\ndata: "])
def test_a_line_without_end_is_refused_before_it_is_held(line: bytes) -> None:
    reader = EventReader()
    reader.feed(line)
    with pytest.raises(TooLarge):
        _feed_for_ever(reader, b"x" * 1000)


def test_an_event_of_many_lines_is_refused_too() -> None:
    with pytest.raises(TooLarge):
        _feed_for_ever(EventReader(), b"data: " + b"x" * 1000 + b"\n")


def test_lines_without_content_fill_an_event_too() -> None:
    with pytest.raises(TooLarge):
        _feed_for_ever(EventReader(), b"data:\n" * 1000)


def _feed_for_ever(reader: EventReader, piece: bytes) -> None:
    for _ in range(MAX_EVENT_BYTES // 1000 + 2):
        reader.feed(piece)


def test_many_events_in_one_read_are_no_large_event() -> None:
    assert len(EventReader().feed(b"data: x\n\n" * 50_000)) == 50_000
