"""No flood of refusals fills the log of acts, and none of them hides what matters."""

import base64
import http.client
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from platepost.provisioning.enrollment.refusals import NAMES_MOST, WINDOW_SECONDS, RefusalLog
from platepost.wire.enrollment.errors import EnrollmentError
from platepost.wire.enrollment.est import CONFIGURATION, trusting
from tests.provisioning.enrollment.conftest import Department


class Book:
    """A log of acts that keeps them in memory, and its clock."""

    def __init__(self) -> None:
        self.acts: list[tuple[str | None, str | None, dict[str, Any]]] = []
        self.time = 1000.0
        self.refusals = RefusalLog(self.record, now=lambda: self.time)

    def record(
        self,
        act: str,
        *,
        details: dict[str, Any],
        outcome: str,
        reason: str,
        object: str | None = None,  # noqa: A002
    ) -> None:
        assert (act, outcome) == ("enrollment_refused", "refused")
        self.acts.append((object, reason, details))

    def refuse(self, post: str, reason: str) -> None:
        self.refusals.refused(post, EnrollmentError("no", reason=reason))


def test_what_anybody_can_bring_about_is_one_act_a_reason_and_one_of_the_rest_a_minute() -> None:
    book = Book()
    for number in range(300):
        book.refuse(f"post-{number % 3}", "no_code")
        book.refuse("post-17", "code_wrong")
    assert [act[:2] for act in book.acts] == [("post-0", "no_code"), ("post-17", "code_wrong")]
    book.refusals.poll()
    assert len(book.acts) == 2
    book.time += WINDOW_SECONDS
    book.refusals.poll()
    details = {"counted": {"code_wrong": 299, "no_code": 299}, "posts": ["post-1", "post-17", "post-2", "post-0"]}
    assert book.acts[2:] == [(None, "repeated", details | {"seconds": 60})]
    book.time += WINDOW_SECONDS
    book.refusals.poll()
    book.refuse("post-4", "no_code")
    assert [act[:2] for act in book.acts[3:]] == [("post-4", "no_code")]


def test_a_minute_that_nobody_ended_is_ended_by_the_next_refusal() -> None:
    book = Book()
    for seconds in (0, 1, WINDOW_SECONDS):
        book.time += seconds
        book.refuse("post-17", "no_code")
    assert [act[1] for act in book.acts] == ["no_code", "repeated", "no_code"]


def test_names_that_strangers_say_are_few_and_short() -> None:
    book = Book()
    for number in range(200):
        book.refuse(f"{number:03}" * 500, "no_code")
    book.refusals.flush()
    names = book.acts[-1][2]["posts"]
    assert (len(names), {len(name) for name in names}) == (NAMES_MOST, {120})


@pytest.mark.parametrize("reason", ["code_used", "other_post", "cloned", "technician_expired"])
def test_what_takes_a_good_code_is_logged_each_time_in_any_flood(reason: str) -> None:
    book = Book()
    for _ in range(3):
        for _ in range(50):
            book.refuse("post-1", "no_code")
        book.refuse("post-17", reason)
    assert [act[1] for act in book.acts] == ["no_code", reason, reason, reason]


def test_a_flood_at_the_port_is_few_acts(department: Department) -> None:
    ca, _ = department.address.authorities("post-17", department.invite("post-17"))
    headers = {"Authorization": "Basic " + base64.b64encode(b"nobody:0000-0000-0000-0000").decode()}

    def ask() -> int:
        connection = http.client.HTTPSConnection("localhost", department.port, context=trusting(ca))
        connection.request("GET", CONFIGURATION, headers=headers)
        status = connection.getresponse().status
        connection.close()
        return status

    with ThreadPoolExecutor(20) as pool:
        assert list(pool.map(lambda _: ask(), range(20))) == [401] * 20
    department.registration.close()
    first, *rest = department.fleet.acts
    assert (first.object, first.reason, len(rest)) == ("nobody", "no_code", 1)
    assert (rest[0].reason, rest[0].details["counted"]) == ("repeated", {"no_code": 19})
