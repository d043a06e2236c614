from datetime import UTC, datetime, timedelta

from pytest_mock import MockerFixture

from device.condition import vitals as module
from device.condition.vitals import Vitals
from device.health.clock import clock_quality
from device.records import Place, Versions
from device.records.examples import example_status


def test_status_says_the_end_of_a_renewed_certificate() -> None:
    example = example_status("online", "01a20eee-0349-756c-a767-c205969791ee")
    first = datetime(2026, 3, 1, tzinfo=UTC)
    vitals = Vitals(
        place=Place(site="Bridge Street"),
        versions=Versions(software="0.1.0", configuration="3f0c9a517b2e", models=()),
        certificate_expires=first,
    )

    def told() -> datetime | None:
        return vitals.status(clock=clock_quality(), hotlist=example.hotlist).certificate_expires

    assert told() == first
    vitals.renewed(first + timedelta(days=700))
    assert told() == first + timedelta(days=700)


def test_news_of_reads_make_a_status_every_ten_minutes_at_most(mocker: MockerFixture) -> None:
    clock = mocker.patch.object(module, "monotonic", return_value=1000.0)
    reads: list[datetime] = []
    example = example_status("online", "01a20eee-0349-756c-a767-c205969791ee")
    vitals = Vitals(
        place=Place(),
        versions=Versions(software="0.1.0", configuration="3f0c9a517b2e"),
        certificate_expires=None,
        last_read=lambda: reads[-1] if reads else None,
    )
    vitals.noticed(example.hotlist)
    vitals.status(clock=clock_quality(), hotlist=example.hotlist)
    clock.return_value = 1700.0
    assert not vitals.noticed(example.hotlist), "nothing was read"
    reads.append(datetime(2026, 3, 1, tzinfo=UTC))
    assert vitals.noticed(example.hotlist)
    assert vitals.status(clock=clock_quality(), hotlist=example.hotlist).last_read == reads[0]
    reads.append(datetime(2026, 3, 2, tzinfo=UTC))
    clock.return_value = 2299.0
    assert not vitals.noticed(example.hotlist)
    clock.return_value = 2301.0
    assert vitals.noticed(example.hotlist)
