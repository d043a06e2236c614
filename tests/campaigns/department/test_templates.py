"""What is filled in is a record as a post makes it."""

import json
from datetime import UTC, datetime

from joserfc.jwk import ECKey

from platepost.wire.records import Keyring, Signer, new_identifier
from platepost.wire.records.canonical import canonical_bytes, parse, without_pictures
from platepost.wire.records.envelope import read_event
from tests.campaigns.department.templates import RecordTemplate, TemplateSet

NOW = "2026-11-27T10:00:00.000Z"
CHAIN = new_identifier()
VALUES = {
    "id": new_identifier(),
    "source": "//alpr/v1/lab/post-1",
    "chain": CHAIN,
    "sequence": "7",
    "previous": "0" * 64,
    "passage": new_identifier(),
    "hit": new_identifier(),
    "boot": new_identifier(),
} | dict.fromkeys(("time", "expirytime", "captured", "first_seen", "last_seen", "occurred", "since"), NOW)
TEMPLATES = TemplateSet(seed=1, vehicles=2, group="narcotics")


def every_template() -> list[RecordTemplate]:
    return [*TEMPLATES.reads, *TEMPLATES.hits, *TEMPLATES.covert, *TEMPLATES.others]


def test_a_filled_template_keeps_the_contract_and_carries_a_good_signature() -> None:
    key = ECKey.generate_key("P-256")
    for template in every_template():
        canonical = template.canonical(VALUES)
        event = parse(template.body(VALUES, Signer(key).sign(canonical)))
        assert canonical_bytes(event) == canonical
        assert Keyring([key]).check(event["signature"], canonical) == key.thumbprint()
        read = read_event(event)
        assert (read.sequence, read.chain, read.source) == (7, CHAIN, "//alpr/v1/lab/post-1")
        assert read.time == datetime(2026, 11, 27, 10, tzinfo=UTC)


def test_a_record_without_the_bytes_of_its_pictures_is_the_same_record() -> None:
    template = TEMPLATES.hits[0]
    whole, bare = (parse(template.body(VALUES, "a..b", pictures=shown)) for shown in (True, False))
    assert len(json.dumps(bare)) < len(json.dumps(whole)) / 2
    assert bare == without_pictures(whole)
    assert canonical_bytes(bare) == canonical_bytes(whole)


def test_covert_hits_go_to_their_group_alone() -> None:
    assert {template.topic for template in TEMPLATES.covert} == {"covert/narcotics"}
    event = parse(TEMPLATES.covert[0].body(VALUES, "a..b"))
    assert event["data"]["distribution"] == "narcotics"
