"""What is shown while the ledger cannot be written is noted in a chained, signed file, and entered later."""

from pathlib import Path

import pytest

from platepost.department.database.roles import KEEPER
from platepost.department.ledger.catalog import LedgerEvent
from platepost.department.ledger.entries import open_log
from platepost.department.ledger.errors import JournalError, LedgerError
from platepost.department.ledger.journal import LocalJournal, import_journal, known_lines
from platepost.department.ledger.reading import EntryFilter, logged
from tests.department.ledger.conftest import Connect
from tests.department.ledger.test_reading import AUDIT
from tests.department.roles import as_role

HITS = [{"hit": "one", "plate": "TEST1"}, {"hit": "two", "plate": "TEST2"}]


@pytest.fixture
def journal(tmp_path: Path) -> LocalJournal:
    local_journal = LocalJournal(tmp_path / "journal")
    local_journal.prepare()
    for hit in HITS:
        local_journal.note(person="a.rivera", shown=hit)
    return local_journal


def test_what_was_noted_is_entered_once(
    journal: LocalJournal, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal.note(person="a.rivera", shown={}, covert={"narcotics": {"plate": "TEST3"}})
    with connect(KEEPER) as keeper, as_role(KEEPER):
        keeper.autocommit = True
        with monkeypatch.context() as killed:
            killed.setattr(
                "platepost.department.ledger.journal.os.truncate", lambda *_: (_ for _ in ()).throw(OSError("killed"))
            )
            with pytest.raises(OSError, match="killed"):
                import_journal(journal, known_lines(keeper))
        assert journal.waits
        assert import_journal(journal, known_lines(keeper)) == 0
    assert not journal.waits
    with open_log(**AUDIT) as log:
        matches = logged(log, EntryFilter(person="a.rivera", events=[LedgerEvent.JOURNALED]))[::-1]
    assert [line.fields["shown"] for line in matches] == [*HITS, {}]
    assert {len(line.fields["digest"]) for line in matches} == {64}
    # The journal goes on from nothing.
    journal.note(person="a.rivera", shown=HITS[0])
    assert len(list(journal.notes())) == 1


@pytest.mark.parametrize("damage", ["altered", "left out", "moved", "half written", "signed by another"])
def test_damaged_journal_is_not_entered(journal: LocalJournal, connect: Connect, damage: str, tmp_path: Path) -> None:
    path = journal.folder / "lines"
    one, two = path.read_bytes().splitlines(keepends=True)
    stranger = LocalJournal(tmp_path / "stranger")
    stranger.prepare()
    stranger.note(person="a.rivera", shown=HITS[0])
    path.write_bytes(
        {
            "altered": one + two[:-3] + b"AA\n",
            "left out": two,
            "moved": two + one,
            "half written": one + two[:-20],
            "signed by another": (stranger.folder / "lines").read_bytes(),
        }[damage]
    )
    with connect(KEEPER) as keeper, as_role(KEEPER):
        if damage == "half written":  # by a power cut: it was never shown
            assert import_journal(journal, known_lines(keeper)) == 1
            return
        with pytest.raises(JournalError, match=r"line [12] of the journal"):
            import_journal(journal, known_lines(keeper))
        assert known_lines(keeper) == frozenset()
    assert journal.waits


def test_where_it_cannot_be_noted_nothing_may_be_shown(journal: LocalJournal) -> None:
    (journal.folder / "key.pem").unlink()
    with pytest.raises(JournalError) as caught:
        journal.note(person="a.rivera", shown=HITS[0])
    assert isinstance(caught.value, LedgerError), "anyone who heeds the one heeds the other"
    assert "TEST" not in str(caught.value)
