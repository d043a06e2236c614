"""The journal keeps what a post said before it was killed, even amid a word."""

import multiprocessing
import os
from pathlib import Path

from simulator.lab.faults.journal import Entry, Journal, read_journal

ENTRIES = [Entry("chain", number, f"id-{number}", "platepost.read.v1", "ab" * 32) for number in range(1, 4)]


def test_what_was_said_over_two_lives_is_kept(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.jsonl")
    for entries in (ENTRIES[:2], ENTRIES[2:]):
        reading, writing = multiprocessing.Pipe(duplex=False)
        journal.follow(reading)
        for entry in entries:
            writing.send_bytes(entry.dump())
        writing.close()
    journal.close()

    assert journal.entries() == tuple(ENTRIES)
    assert list(read_journal(tmp_path / "journal.jsonl")) == ENTRIES
    assert journal.stored_at("id-1") is not None
    assert journal.stored_at("id-9") is None


def test_a_post_killed_amid_a_word_leaves_the_words_before_it(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.jsonl")
    reading, writing = multiprocessing.Pipe(duplex=False)
    journal.follow(reading)
    writing.send_bytes(ENTRIES[0].dump())
    os.write(writing.fileno(), (200).to_bytes(4) + b'{"chain": ')
    writing.close()
    journal.close()

    assert journal.entries() == (ENTRIES[0],)
