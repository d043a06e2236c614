import io
import os

import pytest

from platepost.simulator.live.wire import LARGEST, Writer, messages


def test_messages_and_their_bytes_survive_the_way() -> None:
    pipe = io.BytesIO()
    writer = Writer(pipe)
    writer.send(b"\n{}\xff", kind="view", passages=2)
    writer.send(kind="board", lines={"tamper": True})
    pipe.seek(0)
    assert list(messages(pipe)) == [
        ({"kind": "view", "passages": 2}, b"\n{}\xff"),
        ({"kind": "board", "lines": {"tamper": True}}, b""),
    ]


def test_half_a_message_at_the_end_is_none() -> None:
    pipe = io.BytesIO()
    Writer(pipe).send(b"12345678", kind="view")
    assert list(messages(io.BytesIO(pipe.getvalue()[:-3]))) == []


def test_a_size_that_cannot_be_is_no_message() -> None:
    with pytest.raises(ValueError, match="a message of"):
        list(messages(io.BytesIO(b'{"size": %d}\n' % (LARGEST + 1))))


@pytest.mark.parametrize("buffering", [0, -1])
def test_nobody_reading_is_no_error(buffering: int) -> None:
    """Not when the pipe is taken away, either, with what nobody has read."""
    reading, writing = os.pipe()
    os.close(reading)
    writer = Writer(os.fdopen(writing, "wb", buffering=buffering))
    writer.send(kind="board")
    writer.send(kind="board")
    writer.close()
