"""The checker finds what a department did wrong, each thing by name, and nothing where it did nothing wrong."""

import hashlib
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from joserfc.jwk import ECKey

from platepost.wire.jose import sign
from platepost.wire.records import RECEIPT_TYPE, Receipt, Source
from platepost.wire.records.receipt import KeptRange
from tests.campaigns.department.checker import DepartmentChecker
from tests.campaigns.department.oddities import Oddity
from tests.campaigns.department.plan import ChainPlan, ExtraPlan, Plan
from tests.campaigns.department.stated import ChainStatement, CustodyStatement

KEY = ECKey.generate_key("P-256")
POST, OWN, STRANGE = "post-1", "01a21e25-bdee-767c-a2e9-c25dbe560dd7", "01a21e25-bdee-7701-8d0a-16ee7f1e9fe8"
COVERT = "01a21e30-52ea-7777-ba48-61ebf0272220"
DIGESTS = [hashlib.sha256(bytes([number])).hexdigest() for number in range(1, 11)]
CHAIN = ChainPlan(None, 10, frozenset({4}), frozenset(), bytes.fromhex("".join(DIGESTS)))
PLAN = Plan(
    whole=True,
    chains={(POST, OWN): CHAIN, (POST, COVERT): ChainPlan("group", 3, frozenset(), frozenset(), CHAIN.digests[:96])},
    unknown={POST: 1},
    extras=(
        ExtraPlan(POST, OWN, 7, "a" * 64, Oddity.FORGED),
        ExtraPlan(POST, STRANGE, 1, "b" * 64, Oddity.FOREIGN),
        ExtraPlan(POST, None, None, "c" * 64, Oddity.UNREADABLE),
    ),
)
CHAIN_HELD = {"chain": OWN, "first": 1, "last": 10, "kept": 9, "gaps": [[4, 4]], "missing": 1, "forks": []}
STATUS = {
    "posts": [
        {
            "post": POST,
            "kept": 8,
            "odd": {"unknown": 1, "forged": 1, "foreign": 1, "unreadable": 1, "duplicate": 7},
            "chains": [CHAIN_HELD, {**CHAIN_HELD, "chain": STRANGE, "last": 1, "kept": 1, "gaps": [], "missing": 0}],
        }
    ]
}
VERIFIED = {"whole": True, "records": 15, "problems": [], "more": 0}
SAID = CustodyStatement.read(STATUS, VERIFIED)


def receipt(
    *ranges: tuple[int, int], epoch: int = 1, key: ECKey = KEY, digests: list[str] = DIGESTS, chain: str = OWN
) -> bytes:
    said = Receipt(
        agency="lab",
        post=POST,
        custodian="records",
        epoch=epoch,
        number=1,
        time=datetime.now(UTC),
        chain=chain,
        ranges=tuple(KeptRange(first=first, last=last, digest=digests[last - 1]) for first, last in ranges),
    )
    return sign(said.model_dump_json().encode(), key, typ=RECEIPT_TYPE, kid=key.thumbprint())


ALL = receipt((1, 3), (5, 10))
COVERT_TOO = receipt((1, 3), chain=COVERT)


def judged(*receipts: bytes, plan: Plan = PLAN, said: CustodyStatement = SAID, post: str = POST) -> list[str]:
    checker = DepartmentChecker(plan, KEY)
    for body in receipts or (ALL, COVERT_TOO):
        checker.hear(Source("lab", post).receipt("records"), body)
    return checker.judge(said)


def test_nothing_is_wrong_where_all_is_kept() -> None:
    assert judged(receipt((1, 2)), ALL, COVERT_TOO) == []
    assert PLAN.records == 15


@pytest.mark.parametrize(
    ("oddity", "late", "wrong"),
    [
        (Oddity.USURPED, (), 0),
        (Oddity.FORGED, (), 1),
        (Oddity.FORGED, (POST,), 0),
    ],
)
def test_a_stranger_may_come_first_as_long_as_nothing_refutes_it(
    oddity: Oddity, late: tuple[str, ...], wrong: int
) -> None:
    plan = replace(PLAN, extras=(replace(PLAN.extras[0], oddity=oddity), *PLAN.extras[1:]))
    checker = DepartmentChecker(plan, KEY, late=late)
    strange = [*DIGESTS[:6], "a" * 64, *DIGESTS[7:]]
    for body in (receipt((7, 7), digests=strange), ALL, COVERT_TOO):
        checker.hear(Source("lab", POST).receipt("records"), body)
    assert str(checker.judge(SAID)).count("number 7 is signed for as another record") == wrong


def changed(**more: Any) -> Callable[[], list[str]]:
    return lambda: judged(said=replace(SAID, **more))


def held(**more: Any) -> Callable[[], list[str]]:
    return changed(chains={(POST, OWN): replace(SAID.chains[POST, OWN], **more)})


def counted(**more: int) -> Callable[[], list[str]]:
    return changed(verdicts={POST: {**SAID.verdicts[POST], **more}})


@pytest.mark.parametrize(
    ("judge", "said"),
    [
        (held(last=8, kept=7), "7 records are held, 1 to 8; 9 came, 1 to 10"),
        (held(gaps=((5, 5),)), "1 numbers are said to be missing, and 1 are"),
        (held(missing=2), "2 numbers are said to be missing, and 1 are"),
        (held(forks=(3,)), "1 numbers are said to be forked, and 0 are"),
        (changed(chains={}), "nothing of it is held"),
        (counted(genuine=9), "9 records are genuine, and 8 came"),
        (counted(forged=0), "0 records are forged, and 1 came"),
        (changed(records=16), "16 records are kept, and 15 came"),
        (changed(problems=("a picture's bytes are others",)), "a picture's bytes are others"),
        (lambda: judged(ALL, receipt((1, 3), epoch=2), COVERT_TOO), "began a new epoch"),
        (lambda: judged(ALL, receipt((3, 5)), COVERT_TOO), "number 4 is signed for and never came"),
        (lambda: judged(receipt((1, 3), (5, 8)), COVERT_TOO), "number 9 was deleted without a receipt"),
        (lambda: judged(ALL), f"chain {COVERT}: number 1 was deleted without a receipt"),
        (lambda: judged(receipt((1, 3), digests=DIGESTS[::-1])), "number 3 is signed for as another record"),
        (lambda: judged(receipt((1, 3), key=ECKey.generate_key("P-256"))), "a receipt is not genuine"),
        (lambda: judged(ALL, post="post-2"), "was on another post's topic"),
        (lambda: judged(plan=replace(PLAN, whole=False)), "without receipts"),
    ],
)
def test_what_is_wrong_is_named(judge: Callable[[], list[str]], said: str) -> None:
    assert said in str(judge()), judge()


def test_what_a_post_still_has_needs_no_receipt() -> None:
    chains = {**PLAN.chains, (POST, OWN): replace(CHAIN, kept=frozenset({9, 10}))}
    assert judged(receipt((1, 3), (5, 8)), COVERT_TOO, plan=replace(PLAN, chains=chains)) == []


def test_what_verify_says_is_said() -> None:
    wrong = {"kind": "missing", "post": POST, "chain": OWN, "number": 3, "record": None, "message": "kept, and gone"}
    said = CustodyStatement.read(STATUS, VERIFIED | {"problems": [wrong], "more": 2})
    assert said.problems == (
        f"verify: post {POST}, chain {OWN}, number 3: missing: kept, and gone",
        "verify: 2 problems more",
    )
    assert said.chains[POST, OWN] == ChainStatement(1, 10, 9, ((4, 4),), 1, ())
