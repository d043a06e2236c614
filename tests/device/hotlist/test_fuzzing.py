from pathlib import Path

import pytest

from platepost.wire.hotlist import HotListStore, RefusalReason
from tests.device.hotlist.department import Department
from tests.device.hotlist.fuzzing import Target, campaign


def test_mutated_packages_are_refused_by_name_and_change_nothing(tmp_path: Path) -> None:
    """The short form of `benchmarks/hotlist_campaign.py fuzz`."""
    found = campaign(range(500), directory=tmp_path / "store")
    assert found.count == 500
    reasons = {reason for _, reason in found.refused}
    assert reasons >= set(RefusalReason) - {
        RefusalReason.OLDER,
        RefusalReason.REPEATED,
        RefusalReason.EXPIRED,
        RefusalReason.BUILT_IN_FUTURE,
        RefusalReason.WRONG_BASE,
        RefusalReason.CHAIN_TOO_LONG,
        RefusalReason.SIZE_JUMP,
        RefusalReason.FOREIGN_AGENCY,
        # The store believes one key forever.
        RefusalReason.RETIRED_KEY,
        RefusalReason.REVOKED_KEY,
    }
    assert found.refused.total() > 375


@pytest.mark.parametrize("fault", [ValueError("a crash"), None])
def test_fuzzing_would_tell_a_crash_and_a_changed_list(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: ValueError | None
) -> None:
    target = Target(Department(), tmp_path / "store")
    install = HotListStore.install

    def faulty(store: HotListStore, package: bytes, **named: object) -> object:
        if fault is not None:
            raise fault
        store._current = None
        return install(store, package, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(HotListStore, "install", faulty)
    with pytest.raises((ValueError, AssertionError)) as told:
        target.fuzz(range(20))
    assert "mutated package" in told.value.__notes__[0]
