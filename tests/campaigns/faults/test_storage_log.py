"""The storage log keeps what a post said before it was killed, even amid a word."""

import multiprocessing
import os
from pathlib import Path

from tests.campaigns.faults.storage_log import LoggedRecord, StorageLog, read_stored

RECORDS = [LoggedRecord("chain", number, f"id-{number}", "platepost.read.v1", "ab" * 32) for number in range(1, 4)]


def test_what_was_said_over_two_lives_is_kept(tmp_path: Path) -> None:
    log = StorageLog(tmp_path / "stored.jsonl")
    for records in (RECORDS[:2], RECORDS[2:]):
        reading, writing = multiprocessing.Pipe(duplex=False)
        log.follow(reading)
        for record in records:
            writing.send_bytes(record.dump())
        writing.close()
    log.close()

    assert log.records() == tuple(RECORDS)
    assert list(read_stored(tmp_path / "stored.jsonl")) == RECORDS
    assert log.stored_at("id-1") is not None
    assert log.stored_at("id-9") is None


def test_a_post_killed_amid_a_word_leaves_the_words_before_it(tmp_path: Path) -> None:
    log = StorageLog(tmp_path / "stored.jsonl")
    reading, writing = multiprocessing.Pipe(duplex=False)
    log.follow(reading)
    writing.send_bytes(RECORDS[0].dump())
    os.write(writing.fileno(), (200).to_bytes(4) + b'{"chain": ')
    writing.close()
    log.close()

    assert log.records() == (RECORDS[0],)
