"""A receipt says which records are held, in one way only."""

from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import ValidationError

from platepost.wire.records import (
    DEPARTMENT_PURPOSES,
    CustodianTerms,
    KeyStatement,
    Purpose,
    Receipt,
    SigningKey,
    Source,
)

DIGEST = "0" * 64


def receipt(*ranges: tuple[int, int], **changes: Any) -> Receipt:
    said = {
        "agency": "demo",
        "post": "post-1",
        "custodian": "records",
        "epoch": 1,
        "number": 1,
        "time": datetime(2026, 1, 1, tzinfo=UTC),
        "chain": "01890a5d-ac96-774b-bcce-b302099a8057",
        "ranges": [{"first": first, "last": last, "digest": DIGEST} for first, last in ranges],
    }
    return Receipt.model_validate(said | changes)


def test_ranges_ascend_and_do_not_meet() -> None:
    assert len(receipt((1, 4), (6, 6)).ranges) == 2
    assert receipt().ranges == ()
    for wrong in [((4, 1),), ((1, 4), (4, 6)), ((6, 7), (1, 2)), tuple((n, n) for n in range(1, 131, 2))]:
        with pytest.raises(ValidationError):
            receipt(*wrong)


@pytest.mark.parametrize("changes", [{"epoch": 0}, {"number": 0}, {"custodian": "a/b"}, {"custodian": "#"}])
def test_epochs_and_numbers_begin_at_one_and_names_fit_in_a_topic(changes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        receipt((1, 1), **changes)


def test_it_lies_below_the_post_by_the_name_of_its_custodian() -> None:
    assert Source("demo", "post-1").receipt("records") == "alpr/v1/demo/post-1/receipt/records"


@pytest.mark.parametrize("purpose", list(Purpose))
def test_a_statement_names_a_custodian_with_the_purpose_custody_alone(purpose: Purpose) -> None:
    said: dict[str, Any] = {
        "purpose": purpose,
        "agency": "demo",
        "era": 0,
        "number": 1,
        "issued": datetime(2026, 1, 1, tzinfo=UTC),
        "who": "j-stone",
        "key": SigningKey(thumbprint="a" * 43, public_key="PEM"),
        "former": (),
        "withdrawn": "retired",
    }
    bare, named = said, said | {"custodian": CustodianTerms(name="records")}
    good, wrong = (bare, named) if purpose in DEPARTMENT_PURPOSES else (named, bare)
    KeyStatement.model_validate(good)
    with pytest.raises(ValidationError):
        KeyStatement.model_validate(wrong)
