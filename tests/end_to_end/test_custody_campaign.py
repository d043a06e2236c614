"""Short custody campaigns: custodians are killed, added, renewed, restored, away for weeks; a disk is taken back."""

from pathlib import Path

import pytest

from platepost.simulator.brokers.mosquitto import mosquitto_path
from tests.campaigns.running import campaign

pytestmark = [
    pytest.mark.end_to_end,
    pytest.mark.skipif(mosquitto_path() is None, reason="mosquitto is missing: make tools"),
]


def test_every_record_is_kept_or_named_and_none_went_before_its_receipts(tmp_path: Path) -> None:
    outcome = campaign("custody", "--kills", "10", "--posts", "1", directory=tmp_path / "custody")

    assert outcome["problems"] == []
    assert outcome["stored"] > 30
    assert outcome["receipts"] > 20
    assert outcome["renewed"] == ["archive", "records"]
    assert outcome["lost"]  # the backups were old
    assert outcome["kept_back"]  # by the post whose disk was taken back


@pytest.mark.timeout(300)  # weeks of records, which several processes compute
def test_what_a_custodian_misses_in_weeks_waits_for_it_or_is_named(tmp_path: Path) -> None:
    words = ("custody-weeks", "--reads-a-day", "30", "--quota", "2.5")
    outcome = campaign(*words, directory=tmp_path / "weeks")

    assert outcome["problems"] == []
    first, _, third = outcome["weeks"]
    assert first["pictures"] == first["reads"] == 0  # a week fits
    assert 0 < third["reads"] <= third["pictures"]
    assert outcome["stored"] > third["records"] > 3 * 7 * 30
    assert "receipts of records are required, the oldest record without is " in outcome["behind"]
