"""The policy file: which purposes will do, what is forbidden, and what is wrong with a file."""

from pathlib import Path

import pytest

from platepost.department.policy.errors import ForbiddenPurposeError, PolicyError, PurposeError
from platepost.department.policy.policy import DEFAULT, AccessPurpose, read_policy

POLICY = read_policy(DEFAULT)


@pytest.mark.parametrize(
    "purpose",
    [
        AccessPurpose("stolen vehicle", "26-1"),
        AccessPurpose("patrol"),
        AccessPurpose("missing person", reason="child taken, suspect known", exigent=True),
        AccessPurpose("criminal investigation", "26-2", "burglary in the market; suspect sold ices and iced tea"),
        AccessPurpose("criminal investigation", "26-2", "witness at the service station"),
    ],
)
def test_allowed(purpose: AccessPurpose) -> None:
    POLICY.require(purpose)


@pytest.mark.parametrize(
    ("purpose", "message"),
    [
        (AccessPurpose("curiosity"), "not a purpose of the policy; it has: stolen vehicle, "),
        (AccessPurpose(""), "not a purpose"),
        (AccessPurpose("stolen vehicle"), "needs a case number"),
        (AccessPurpose("stolen vehicle", "  "), "needs a case number"),
        (AccessPurpose("missing person", "26-1", exigent=True), "needs a reason"),
    ],
)
def test_incomplete(purpose: AccessPurpose, message: str) -> None:
    with pytest.raises(PurposeError, match=message):
        POLICY.require(purpose)


@pytest.mark.parametrize(
    ("purpose", "forbidden"),
    [
        (AccessPurpose("immigration"), "immigration"),
        (AccessPurpose("patrol", reason="for ICE"), "immigration"),
        (AccessPurpose("patrol", reason="after a removal  order"), "immigration"),
        (AccessPurpose("stolen vehicle", "26-1 deportation"), "immigration"),
        (AccessPurpose("patrol", reason="who came to the Protest?"), "protest"),
        (AccessPurpose("patrol", reason="plates at a demonstration", exigent=True), "protest"),
        (AccessPurpose("patrol", on_behalf_of="planned parenthood"), "reproductive care"),
        (AccessPurpose("criminal investigation", "26-1", "had an abortion, search for female"), "reproductive care"),
    ],
)
def test_forbidden(purpose: AccessPurpose, forbidden: str) -> None:
    with pytest.raises(
        ForbiddenPurposeError, match="write it in other words; a second try goes to the auditors"
    ) as refused:
        POLICY.require(purpose)
    assert refused.value.forbidden == forbidden


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ('law = "california"', 'law = "texas"', "law: .*'texas' is not one of california"),
        ("case = true", 'case = "sometimes"', "purposes.0.case"),
        ('name = "patrol"', 'name = "patrol"\nlabel = "x"', "purposes.10.label"),
        ("[[purposes]]", "[[purposes", "not TOML"),
        # No date is so far away: a finding could not be opened, nor the ledger be checked.
        *(
            (
                "[lists]",
                f"[misuse]\n{key} = 99999999999\n[lists]",
                rf"policy\.toml: misuse\.{key}: .* less than or equal",
            )
            for key in ("answer_days", "close_days", "same_plate_span_days", "lone_visit_minutes")
        ),
    ],
)
def test_wrong_file(tmp_path: Path, before: str, after: str, message: str) -> None:
    path = tmp_path / "policy.toml"
    path.write_text(DEFAULT.read_text("utf-8").replace(before, after), "utf-8")
    with pytest.raises(PolicyError, match=message):
        read_policy(path)


def test_file_may_come_from_an_editor_on_windows(tmp_path: Path) -> None:
    path = tmp_path / "policy.toml"
    path.write_text(DEFAULT.read_text("utf-8"), "utf-8-sig")
    assert read_policy(path).law == POLICY.law


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match="upgrade"):
        read_policy(tmp_path / "policy.toml")


def test_digest_is_that_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "policy.toml"
    path.write_bytes(DEFAULT.read_bytes() + b"\n")
    assert read_policy(path).digest != POLICY.digest
