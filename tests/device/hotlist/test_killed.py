from pathlib import Path

from tests.device.hotlist.department import Department
from tests.device.hotlist.killed import kill_again_and_again

ROUNDS = 16


def test_a_post_killed_at_any_instant_starts_with_the_old_list_or_the_new_whole(
    department: Department, tmp_path: Path
) -> None:
    """The short form of `benchmarks/hotlist_campaign.py kill`."""
    outcome = kill_again_and_again(department, tmp_path, rounds=ROUNDS, seed=1)
    assert not outcome.faults
    assert outcome.old + outcome.new == ROUNDS
    assert outcome.begun, "kills must fall into installations, or they show nothing"
