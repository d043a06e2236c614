"""Whose receipts a post goes by: custodians it was given, and those that the root adds, changes and releases."""

import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from platepost.device.control.keys.custodians import Custodians
from platepost.device.control.keys.rotation import AGAIN_SECONDS, KeyRotation
from platepost.device.control.keys.trust import TrustedKeys
from platepost.device.uplink.inbox import Delivery
from platepost.wire.keys.statement import Key
from platepost.wire.records import CustodianTerms, custody_keys_topic, keys_topic
from tests.device.control.keys.clerk import NOW, Clerk, pem

RECORDS = CustodianTerms(name="records")


class Post:
    """A post's belief in custodians, as statements reach it over the broker."""

    def __init__(self, clerk: Clerk, *given: tuple[CustodianTerms, str], controlled: bool = True) -> None:
        roots = (Key.of(pem(clerk.root)),)
        keys = [(terms, Key.of(pem(clerk.key(name)))) for terms, name in given]
        self.custodians = Custodians(keys, agency="riverside", roots=roots, directory=clerk.directory)
        lists = clerk.post()
        self.trust = TrustedKeys(lists, lists if controlled else None, self.custodians)
        self.audited: list[Any] = []
        self.changes = 0
        self.custodians.on_changed(self._changed)
        self.topics: dict[str, Any] = {}
        self.optional: set[str] = set()
        self.small: set[str] = set()
        timekeeper: Any = SimpleNamespace(now=lambda: NOW)
        audit: Any = SimpleNamespace(take=self.audited.append)
        self.rotation = KeyRotation(self.trust, agency="riverside", audit=audit, timekeeper=timekeeper)
        self.rotation.listen(self)  # type: ignore[arg-type]  # an uplink that only listens

    def _changed(self) -> None:
        self.changes += 1

    def subscribe(self, topic: str, handler: Any, *, optional: bool = False, small: bool = False) -> None:
        self.topics[topic] = handler
        self.optional |= {topic} if optional else set()
        self.small |= {topic} if small else set()

    def hear(self, *lines: bytes, on: str = "records") -> list[Any]:
        self.audited.clear()
        topic = custody_keys_topic("riverside", on)
        self.topics[custody_keys_topic("riverside", "+")](Delivery(1, 1, 1, topic, b"\n".join(lines), retained=True))
        return list(self.audited)

    def believed(self, clerk: Clerk, name: str = "records") -> set[str]:
        keys = self.custodians.get(name)
        return set() if keys is None else clerk.names(keys.arriving(NOW))


def about(name: str = "records", *groups: str, required: bool = True) -> dict[str, Any]:
    return {"purpose": "custody", "custodian": {"name": name, "groups": groups, "required": required}}


@pytest.fixture
def clerk(tmp_path: Path) -> Clerk:
    return Clerk(tmp_path / "control")


def test_a_broker_may_refuse_statements_about_custodians_and_no_others(clerk: Clerk) -> None:
    post = Post(clerk)
    assert post.optional == {custody_keys_topic("riverside", "+")}
    assert keys_topic("riverside", "lists") in post.topics


def test_the_key_that_the_configuration_gives_is_in_force_and_is_required(clerk: Clerk) -> None:
    post = Post(clerk, (CustodianTerms(name="records", groups=("narcotics",)), "first"))
    assert post.believed(clerk) == {"first"}
    assert post.custodians.terms == (CustodianTerms(name="records", groups=("narcotics",)),)
    (state,) = [state for state in post.trust.state(NOW) if state.purpose == "custody"]
    assert (state.custodian, state.key, state.era, state.number) == ("records", clerk.key("first").thumbprint(), 0, 0)


def test_a_custodian_s_key_is_rotated_retired_and_revoked(clerk: Clerk) -> None:
    post = Post(clerk, (RECORDS, "first"))
    rotated = clerk.say("first", "second", "first", **about())
    (event,) = post.hear(rotated)
    assert (event.action, event.object, event.details["required"]) == (
        "trusted_keys_changed",
        "custody/records 0.1",
        True,
    )
    assert (post.believed(clerk), post.changes) == ({"first", "second"}, 1)
    post.hear(rotated, clerk.say("second", "second", number=2, **about()))
    assert post.believed(clerk) == {"second"}
    post.hear(clerk.say("root", "third", era=1, withdrawn="revoked", **about()))
    assert post.believed(clerk) == {"third"}
    keys = post.custodians.get("records")
    assert keys is not None
    assert keys.revoked(clerk.key("second").thumbprint())
    again = Post(clerk, (RECORDS, "first"))
    assert again.believed(clerk) == {"third"}


def test_the_root_adds_a_custodian_which_is_there_after_a_restart(clerk: Clerk) -> None:
    post = Post(clerk, (RECORDS, "first"))
    (event,) = post.hear(clerk.say("root", "theirs", era=1, **about("archive", "narcotics")), on="archive")
    assert (event.action, event.object, event.details["groups"]) == (
        "trusted_keys_changed",
        "custody/archive 1.1",
        ["narcotics"],
    )
    assert post.changes == 1
    for each in (post, Post(clerk, (RECORDS, "first"))):
        assert each.believed(clerk, "archive") == {"theirs"}
        assert each.custodians.terms == (RECORDS, CustodianTerms(name="archive", groups=("narcotics",)))
        states = {state.custodian: state for state in each.trust.state(NOW)}
        assert (states["archive"].era, states["archive"].number) == (1, 1)


def test_every_statement_is_asked_for_until_it_has_come_except_by_a_filter(clerk: Clerk) -> None:
    assert Post(clerk, (RECORDS, "first")).small == {
        keys_topic("riverside", "lists"),
        custody_keys_topic("riverside", "records"),
    }


def test_each_known_custodian_is_asked_for_by_name_for_a_filter_may_bring_nothing_retained(
    clerk: Clerk,
) -> None:
    post = Post(clerk, (RECORDS, "first"))
    post.hear(clerk.say("root", "theirs", era=1, **about("archive")), on="archive")
    again = Post(clerk, (RECORDS, "first"))
    assert {custody_keys_topic("riverside", name) for name in ("records", "archive")} <= again.optional


def test_a_statement_that_the_disk_did_not_take_is_sent_for_until_it_does(
    clerk: Clerk, monkeypatch: pytest.MonkeyPatch
) -> None:
    post, topic = Post(clerk), custody_keys_topic("riverside", "vault")
    statement = clerk.say("root", "vault", era=1, **about("vault"))
    post.rotation.poll(0.0)
    for now in (AGAIN_SECONDS, 2 * AGAIN_SECONDS):
        with monkeypatch.context() as patch:
            patch.setattr(os, "fsync", lambda _file: (_ for _ in ()).throw(OSError(28, "No space left on device")))
            assert [event.reason for event in post.hear(statement, on="vault")] == ["not_kept"]
        assert topic not in post.topics
        post.rotation.poll(now)
        assert topic in post.optional
        handler = post.topics.pop(topic)
    handler(Delivery(1, 1, 1, topic, statement, retained=True))
    assert post.believed(clerk, "vault") == {"vault"}
    post.rotation.poll(3 * AGAIN_SECONDS)
    assert topic not in post.topics


def test_the_root_releases_a_custodian_and_it_stays_released(clerk: Clerk) -> None:
    post = Post(clerk, (RECORDS, "first"))
    post.hear(clerk.say("root", "first", era=1, **about(required=False)))
    for each in (post, Post(clerk, (RECORDS, "first"))):
        assert each.custodians.terms == (CustodianTerms(name="records", required=False),)


FORGERIES: dict[str, tuple[str, str, dict[str, Any], str]] = {
    "its own key releases it": ("first", "records", about(required=False), "other_terms"),
    "its own key takes a group": ("first", "records", about("records", "narcotics"), "other_terms"),
    "a custodian adds another": ("first", "archive", about("archive"), "bad_signature"),
    "a custodian adds itself": ("theirs", "archive", about("archive"), "bad_signature"),
    "the root's word for another custodian": ("root", "archive", about("records") | {"era": 1}, "other_custodian"),
    "the root's word for lists": ("root", "records", {"purpose": "lists", "era": 1}, "other_purpose"),
    "another agency's": ("root", "archive", about("archive") | {"era": 1, "agency": "lakeside"}, "foreign_agency"),
}


@pytest.mark.parametrize("name", FORGERIES)
def test_who_may_not_speak_changes_nothing_and_leaves_no_file(clerk: Clerk, name: str) -> None:
    by, on, words, reason = FORGERIES[name]
    post = Post(clerk, (RECORDS, "first"))
    (event,) = post.hear(clerk.say(by, "thief", **words), on=on)
    assert (event.action, event.outcome, event.reason) == ("trusted_keys_refused", "refused", reason)
    assert (post.custodians.terms, post.believed(clerk), post.changes) == ((RECORDS,), {"first"}, 0)
    assert post.custodians.get("archive") is None
    assert not list(clerk.directory.glob("*archive*"))


def test_a_topic_that_names_no_client_is_left_alone(clerk: Clerk) -> None:
    post = Post(clerk)
    assert post.hear(clerk.say("root", "theirs", era=1, **about("records")), on="re cords") == []


def test_a_damaged_file_of_an_added_custodian_is_said_and_the_root_s_word_leads_on(clerk: Clerk) -> None:
    statement = clerk.say("root", "theirs", era=1, **about("archive"))
    Post(clerk).hear(statement, on="archive")
    (kept,) = clerk.directory.glob("*archive*")
    kept.write_text("{")
    post = Post(clerk)
    (keys,) = post.custodians.all
    assert [event.action for event in keys.take_events()] == ["trusted_keys_refused"]
    assert [state for state in post.trust.state(NOW) if state.purpose == "custody"] == []
    assert post.custodians.terms == (CustodianTerms(name="archive"),), "what its receipts are needed for is not known"
    post.hear(statement, on="archive")
    assert post.believed(clerk, "archive") == {"theirs"}


def test_a_post_that_takes_no_statements_listens_to_none_and_keeps_the_keys_it_was_given(clerk: Clerk) -> None:
    post = Post(clerk, (RECORDS, "first"), controlled=False)
    assert post.topics == {}
    assert post.believed(clerk) == {"first"}
