from pathlib import Path

from tests.device.hotlist.department import Department
from tests.device.hotlist.killed import kill_again_and_again


def test_a_post_killed_at_any_instant_starts_with_the_old_list_or_the_new_whole(
    department: Department, tmp_path: Path
) -> None:
    """The short form of `benchmarks/hotlist_campaign.py kill`."""
    outcome = kill_again_and_again(department, tmp_path, rounds=40, seed=1)
    assert not outcome.faults
    assert outcome.old + outcome.new == 40
    assert outcome.begun > 10, "most kills must fall into an installation"
