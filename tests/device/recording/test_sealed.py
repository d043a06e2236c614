import json
from pathlib import Path

import pytest
from joserfc.jwk import ECKey

from platepost.device.recording import NotForThisKeyError, RecordingError, SealedReader, SealedWriter
from platepost.device.recording.frames import pack
from tests.device.recording.conftest import make_frame, same

SETTINGS = {"configuration": {"vision": {"minimum_score": 0.35}}, "person": "J. Rivera"}
PNG_BEGIN = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"
"""What every PNG begins with. Fewer bytes, such as its three letters, come up in a sealed recording by chance."""


def write(path: Path, key: ECKey, count: int = 4, *, end: bool = True) -> Path:
    writer = SealedWriter(path, recipient=key, about={"post": "post-7"}, settings=SETTINGS)
    for number in range(count):
        writer.frame(pack(make_frame(number), color=True))
    if end:
        writer.end({"frames": count, "reason": "asked"})
    writer.close()
    return path


def test_frames_times_and_settings_survive(tmp_path: Path, key: ECKey) -> None:
    with SealedReader(write(tmp_path / "a.recording", key), key) as reader:
        assert reader.about == {"post": "post-7"}
        assert reader.settings == SETTINGS
        assert reader.count() == 4
        frames = list(reader.frames())
        assert all(same(make_frame(number), frame) for number, frame in enumerate(frames))
        assert len(frames) == 4
        assert reader.summary == {"frames": 4, "reason": "asked"}


def test_nothing_of_it_can_be_read_without_the_key(tmp_path: Path, key: ECKey) -> None:
    path = write(tmp_path / "a.recording", key)
    content = path.read_bytes()
    assert b'"person":"J. Rivera"' not in content
    assert PNG_BEGIN not in content
    assert PNG_BEGIN in pack(make_frame(0), color=True)
    assert path.stat().st_mode & 0o777 == 0o600
    with pytest.raises(NotForThisKeyError, match="a different key"):
        SealedReader(path, ECKey.generate_key("P-256"))


def test_no_byte_can_be_changed_unnoticed(tmp_path: Path, key: ECKey) -> None:
    path = write(tmp_path / "a.recording", key, count=2)
    content = path.read_bytes()
    body = content.index(b"\n", content.index(b"\n", content.index(b"\n") + 1) + 1) + 1
    for place in [*range(0, body, 97), *range(body, len(content), 389), len(content) - 1]:
        damaged = bytearray(content)
        damaged[place] ^= 1
        path.write_bytes(damaged)
        with pytest.raises(RecordingError):
            read_to_the_end(path, key)


def read_to_the_end(path: Path, key: ECKey) -> None:
    with SealedReader(path, key) as reader:
        list(reader.frames())
        if reader.summary is None:
            raise RecordingError("cut short")


@pytest.mark.parametrize("kept", [0.5, 0.9])
def test_one_that_a_power_cut_ended_goes_as_far_as_it_goes(tmp_path: Path, key: ECKey, kept: float) -> None:
    path = write(tmp_path / "a.recording", key, count=8)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * kept)])
    with SealedReader(path, key) as reader:
        frames = list(reader.frames())
        assert 2 <= len(frames) < 8
        assert len(frames) == reader.count()
        assert reader.summary is None


def test_frames_cannot_be_left_out_or_exchanged(tmp_path: Path, key: ECKey) -> None:
    path = write(tmp_path / "a.recording", key, count=3)
    chunks = split(path.read_bytes())
    for order in ([0, 1, 3, 4], [0, 2, 1, 3, 4], [0, 1, 1, 2, 3, 4]):
        path.write_bytes(b"".join([chunks[0], *(chunks[1 + number] for number in order)]))
        with SealedReader(path, key) as reader, pytest.raises(RecordingError, match="damaged"):
            list(reader.frames())


def split(content: bytes) -> list[bytes]:
    """The three lines, then each chunk."""
    end = 0
    for _ in range(3):
        end = content.index(b"\n", end) + 1
    parts = [content[:end]]
    while end < len(content):
        length = 5 + int.from_bytes(content[end + 1 : end + 5], "big")
        parts.append(content[end : end + length])
        end += length
    return parts


@pytest.mark.parametrize("content", [b"", b"\x89PNG", b"platepost-recording/1\n{}\n", b"platepost-recording/1\n[\n[\n"])
def test_what_is_no_recording_is_named(tmp_path: Path, key: ECKey, content: bytes) -> None:
    path = tmp_path / "a.recording"
    path.write_bytes(content)
    with pytest.raises(RecordingError):
        SealedReader(path, key)


def test_a_recording_is_never_written_over(tmp_path: Path, key: ECKey) -> None:
    path = write(tmp_path / "a.recording", key)
    with pytest.raises(FileExistsError):
        write(path, key)
    assert json.loads(path.read_bytes().splitlines()[1]) == {"post": "post-7"}
