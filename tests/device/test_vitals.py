from datetime import UTC, datetime, timedelta

from device.health.clock import clock_quality
from device.records import Place, Versions
from device.records.examples import example_status
from device.vitals import Vitals


def test_status_says_the_end_of_a_renewed_certificate() -> None:
    example = example_status("online", "01a20eee-0349-756c-a767-c205969791ee")
    first = datetime(2026, 3, 1, tzinfo=UTC)
    vitals = Vitals(
        place=Place(site="Bridge Street"),
        versions=Versions(software="0.1.0", configuration="3f0c9a517b2e", models=()),
        certificate_expires=first,
    )

    def told() -> datetime | None:
        return vitals.status(clock=clock_quality(), hotlist=example.hotlist, configuration=None).certificate_expires

    assert told() == first
    vitals.renewed(first + timedelta(days=700))
    assert told() == first + timedelta(days=700)
