"""The report is in the technician's language and the unit's time, and says to a program what it says to people."""

import time
from datetime import UTC, datetime, timedelta

import pytest

from platepost.common.language import Phrase
from platepost.device.config import Configuration, load
from platepost.provisioning.fleet.fleet import Fleet
from platepost.provisioning.fleet.post_file import PostSettings
from platepost.provisioning.people.person import Person
from platepost.technician.accept import report
from platepost.technician.accept.result import Illustration, Result
from platepost.technician.accept.seal import seal, unseal
from platepost.technician.accept.service import AcceptanceCriteria
from platepost.technician.technician import Technician
from platepost.wire.records import Keyring, Role, Signer, Versions

ENDED = datetime(2026, 7, 1, 19, 30, 5, tzinfo=UTC)


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Fleet:
    fleet = Fleet.create(tmp_path_factory.mktemp("fleet") / "fleet", agency="riverside")
    fleet.add_operator("r-alvarez", Role.TECHNICIAN)
    fleet.add_post("post-17", PostSettings(brokers=("localhost:8883",), site="Main St <4th>"))
    return fleet


def written(
    fleet: Fleet, *, good: bool, limits: AcceptanceCriteria | None = None
) -> tuple[Configuration, Technician, bytes]:
    configuration = load(fleet.post("post-17") / "post.toml")
    technician = Technician(Person.load(fleet.operator("r-alvarez")), "work order 7731")
    picture = Illustration.of(Phrase("The test plate."), b"jpeg")
    results = [
        Result(point=Phrase("alarm"), good=True, said=Phrase("seen"), at=ENDED, pictures=(picture,)),
        Result(point=Phrase("outage"), good=good, said=Phrase("{count} days", count="3"), at=ENDED),
    ]
    page = report.page(
        configuration,
        technician,
        results,
        versions=Versions(software="1", configuration="0" * 16),
        limits=limits or AcceptanceCriteria(),
        began=ENDED - timedelta(minutes=20),
        ended=ENDED,
    )
    return configuration, technician, page


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", ("Acceptance of post-17", "Not accepted", "outage", "3 days", "The test plate.", "technician")),
        ("es", ("Aceptación de post-17", "No aceptado", "corte de red", "3 días", "La placa de prueba.")),
    ],
)
def test_it_is_in_the_technician_s_language_and_the_unit_s_time(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch, language: str, words: tuple[str, ...]
) -> None:
    monkeypatch.setenv("LANGUAGE", language)
    monkeypatch.setenv("TZ", "PST8PDT,M3.2.0,M11.1.0")
    try:
        time.tzset()
        page = written(fleet, good=False)[2].decode()
    finally:
        monkeypatch.undo()
        time.tzset()
    assert page.startswith(f'<!doctype html>\n<html lang="{language}">')
    assert [word for word in words if word not in page] == []
    assert "2026-07-01 12:10:05 PDT" in page
    assert "2026-07-01 12:30:05 PDT" in page
    assert "Main St &lt;4th&gt;" in page


@pytest.mark.parametrize("language", ["en", "es"])
def test_a_program_reads_verdict_and_end_in_every_language(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch, language: str
) -> None:
    monkeypatch.setenv("LANGUAGE", language)
    for good in (True, False):
        configuration, technician, page = written(fleet, good=good)
        signer = Signer.from_file(configuration.records.signing_key)
        keys = Keyring.from_files(fleet.record_key("post-17"))
        sealed = unseal(seal(page, post=signer, technician=technician.identity), post_keys=keys)
        assert (sealed.accepted, sealed.ended) == (good, ENDED)


@pytest.mark.parametrize(
    ("limit", "line"),
    [
        ({"vehicles": 20, "least_share": 0.5}, "vehicles: 20 instead of 30"),
        ({"least_share": 0}, "least_share: 0 instead of 0.8"),
        ({"alarm_seconds": 30}, "alarm_seconds: 30 instead of 5"),
    ],
)
def test_lowered_limits_make_the_banner_red(fleet: Fleet, limit: dict[str, float], line: str) -> None:
    configuration, technician, page = written(fleet, good=True, limits=AcceptanceCriteria.model_validate(limit))
    text = page.decode()
    assert 'class="verdict accepted lowered failed">Accepted with lowered limits' in text
    assert line in text
    signer = Signer.from_file(configuration.records.signing_key)
    keys = Keyring.from_files(fleet.record_key("post-17"))
    sealed = unseal(seal(page, post=signer, technician=technician.identity), post_keys=keys)
    assert (sealed.accepted, sealed.lowered, sealed.verdict) == (True, True, "accepted with lowered limits")


@pytest.mark.parametrize("limit", [{}, {"vehicles": 200}, {"alarm_seconds": 1}, {"patience_seconds": 5}])
def test_stricter_limits_leave_the_banner_green(fleet: Fleet, limit: dict[str, float]) -> None:
    _, _, page = written(fleet, good=True, limits=AcceptanceCriteria.model_validate(limit))
    assert b'class="verdict accepted passed">Accepted<' in page
