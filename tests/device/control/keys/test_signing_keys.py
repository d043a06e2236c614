"""Keys that follow one another: by the word of who may give it, only forward, kept over restarts and power cuts."""

import json
import os
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from platepost.common import files
from platepost.device.control import Rejection, SigningKeys
from platepost.device.control.keys.store import MOST
from platepost.wire.jose import LARGEST, sign
from platepost.wire.keys.history import REMEMBERED
from platepost.wire.keys.statement import MOST_LINES
from platepost.wire.records import KEYS_TYPE
from tests.device.control.keys.clerk import NOW, Clerk, named, receive, state


@pytest.fixture
def clerk(tmp_path: Path) -> Clerk:
    return Clerk(tmp_path / "control")


def believed(clerk: Clerk, keys: SigningKeys) -> tuple[set[str], set[str]]:
    """Which keys take something new, and by which what was taken before stays."""
    return clerk.names(keys.arriving(NOW)), clerk.names(keys.kept())


def test_a_post_believes_the_key_that_it_was_given(clerk: Clerk) -> None:
    keys = clerk.post()
    assert believed(clerk, keys) == ({"first"}, {"first"})
    assert (state(keys).era, state(keys).number, state(keys).former) == (0, 0, ())


def test_the_key_in_force_vouches_for_the_next_and_is_accepted_until_it_is_retired(clerk: Clerk) -> None:
    keys = clerk.post()
    (event,) = receive(keys, clerk.say("first", "second", "first"))
    assert (event.action, event.identity, event.object) == ("trusted_keys_changed", "j-stone", "lists 0.1")
    assert event.details["vouched"] == "key"
    assert event.details["key"] == state(keys).key == clerk.key("second").thumbprint()
    assert believed(clerk, keys) == ({"first", "second"}, {"first", "second"})
    assert keys.take_changed()

    (event,) = receive(keys, clerk.say("second", "second", number=2))
    assert (event.action, event.object) == ("trusted_keys_changed", "lists 0.2")
    assert believed(clerk, keys) == ({"second"}, {"first", "second"})
    assert believed(clerk, clerk.post()) == ({"second"}, {"first", "second"}), "after a restart"


def test_a_former_key_s_time_passes_by_itself(clerk: Clerk) -> None:
    keys = clerk.post()
    until = "2026-03-11T12:00:00.000Z"
    receive(keys, clerk.say("first", "second", former=[named(clerk.key("first"), until=until)]))
    keys.poll(NOW)
    keys.take_changed()
    assert clerk.names(keys.arriving(NOW + timedelta(days=9))) == {"first", "second"}
    later = NOW + timedelta(days=10)
    assert clerk.names(keys.arriving(later)) == {"second"}
    keys.poll(later)
    (event,) = keys.take_events()
    assert (event.action, event.details) == ("trusted_key_retired", {"key": clerk.key("first").thumbprint()})
    assert keys.take_changed()
    assert state(keys, later).former == ()
    keys.poll(later)
    assert keys.take_events() == ()


def test_who_was_away_is_led_through_every_step(clerk: Clerk) -> None:
    message = (
        clerk.say("first", "second", "first"),
        clerk.say("second", "second", "first"),
        clerk.say("second", "second", number=2),
        clerk.say("second", "third", "second", number=3),
        clerk.say("third", "third", "second", number=3),
        clerk.say("third", "third", number=4),
    )
    events = receive(keys := clerk.post(), *message)
    assert [event.object for event in events] == ["lists 0.1", "lists 0.2", "lists 0.3", "lists 0.4"]
    assert believed(clerk, keys) == ({"third"}, {"first", "second", "third"})
    assert receive(keys, *message) == (), "the broker brings it again at every connection"
    half = Clerk(clerk.directory.with_name("half"), root=clerk.root, keys=clerk.keys).post()
    receive(half, *message[:2])
    assert [event.object for event in receive(half, *message)] == ["lists 0.2", "lists 0.3", "lists 0.4"]


def test_a_post_that_was_given_the_new_key_knows_the_statement_by_it(clerk: Clerk) -> None:
    message = (clerk.say("first", "second", "first"), clerk.say("second", "second", "first"))
    keys = clerk.post("second")
    (event,) = receive(keys, *message)
    assert event.object == "lists 0.1"
    assert believed(clerk, keys)[0] == {"first", "second"}
    receive(keys, *message, clerk.say("second", "second", number=2))
    assert believed(clerk, keys)[0] == {"second"}


# --- what must have no effect

Words = dict[str, Any]
FORGERIES: dict[str, tuple[str, tuple[str, ...], Words, str]] = {
    "a key that nobody knows": ("thief", ("thief",), {"number": 9}, "bad_signature"),
    "the key that it would bring": ("thief", ("thief", "second"), {"number": 9}, "bad_signature"),
    "the former key, accepted still": ("first", ("thief",), {"number": 9}, "bad_signature"),
    "a retired key": ("zeroth", ("thief",), {"number": 9}, "retired_key"),
    "another agency": ("second", ("thief",), {"number": 9, "agency": "lakeside"}, "foreign_agency"),
    "another agency's root's word": ("root", ("thief",), {"era": 1, "agency": "lakeside"}, "foreign_agency"),
    "the other purpose": ("root", ("thief",), {"era": 1, "purpose": "configuration"}, "other_purpose"),
    "a purpose that is none": ("second", ("thief",), {"number": 9, "purpose": "commands"}, "malformed"),
    "an older one": ("second", ("thief",), {"number": 1}, "older"),
    "the same number": ("second", ("thief",), {"number": 2}, "older"),
    "an era that is not the root's": ("second", ("thief",), {"number": 9, "era": 1}, "older"),
    "the root in an era that is over": ("root", ("thief",), {"number": 9, "era": 0}, "older"),
    "a statement for configurations' eyes": ("second", ("thief",), {"typ": "platepost-configuration+jws"}, "malformed"),
    "a member that is not known": ("second", ("thief",), {"number": 9, "trust": "all"}, "malformed"),
    "a number that is none": ("second", ("thief",), {"number": 2**53}, "malformed"),
    "a key that is none": ("second", ("thief",), {"key": {"thumbprint": "A" * 43, "public_key": "x"}}, "malformed"),
    "no key": ("second", ("thief",), {"key": None}, "malformed"),
}


def two_steps(clerk: Clerk) -> SigningKeys:
    """Return a post that goes by `second`, accepts `first`, and retired `zeroth`."""
    keys = clerk.post("zeroth")
    receive(keys, clerk.say("zeroth", "first"), clerk.say("first", "second", "first", number=2))
    return keys


@pytest.mark.parametrize("name", FORGERIES)
def test_what_may_not_speak_changes_nothing_and_is_named(clerk: Clerk, name: str) -> None:
    by, words, changes, reason = FORGERIES[name]
    keys = two_steps(clerk)
    before = believed(clerk, keys), state(keys).model_copy(update={"refused": None})
    (event,) = receive(keys, clerk.say(by, *words, **changes))
    assert (event.action, event.reason, event.outcome) == ("trusted_keys_refused", reason, "refused")
    again = clerk.post("zeroth")
    for each in (keys, again):
        assert (believed(clerk, each), state(each).model_copy(update={"refused": None})) == before
    refused = state(again).refused
    if reason in {"bad_signature", "retired_key", "malformed"}:
        assert refused is None, "anyone who may not speak does not move the status"
    else:
        assert refused is not None
        assert refused.reason == reason


def test_a_thumbprint_that_is_another_key_s_is_no_statement(clerk: Clerk) -> None:
    lying = named(clerk.key("second")) | {"thumbprint": clerk.key("first").thumbprint()}
    (event,) = receive(clerk.post(), clerk.say("first", "second", key=lying))
    assert event.reason is Rejection.MALFORMED


def test_a_replayed_beginning_is_older_and_no_way_back(clerk: Clerk) -> None:
    first = (clerk.say("first", "second", "first"), clerk.say("second", "second", "first"))
    keys = clerk.post()
    receive(keys, *first, clerk.say("second", "second", number=2))
    (event,) = receive(keys, *first)
    assert event.reason is Rejection.OLDER
    assert believed(clerk, keys)[0] == {"second"}


def test_what_is_hung_behind_good_steps_is_refused_and_they_are_taken(clerk: Clerk) -> None:
    keys = clerk.post()
    events = receive(keys, clerk.say("first", "second", "first"), clerk.say("thief", "thief", number=2))
    assert [(event.action, event.reason) for event in events] == [
        ("trusted_keys_changed", None),
        ("trusted_keys_refused", "bad_signature"),
    ]
    assert believed(clerk, keys)[0] == {"first", "second"}


def test_a_message_has_bounds(clerk: Clerk) -> None:
    keys = clerk.post()
    for message in (b"x" * (LARGEST + 1), b"\n".join([b"x"] * (MOST_LINES + 1))):
        (event,) = receive(keys, message)
        assert event.reason is Rejection.TOO_LARGE
    (event,) = receive(keys, b"\xff\xfe not even text")
    assert event.reason is Rejection.MALFORMED


def test_unsigned_and_json_with_two_meanings_are_refused(clerk: Clerk) -> None:
    keys = clerk.post()
    head, body, _ = clerk.say("first", "second").split(b".")
    assert receive(keys, head + b"." + body + b".")[0].reason is Rejection.UNSIGNED
    twice = clerk.payload("second")[:-1] + b',"number":7}'
    assert receive(keys, sign(twice, clerk.key("first"), typ=KEYS_TYPE))[0].reason is Rejection.MALFORMED


# --- revocation, and the root


def test_a_revoked_key_is_good_for_nothing_and_never_comes_back(clerk: Clerk) -> None:
    keys = clerk.post()
    (event,) = receive(keys, clerk.say("root", "second", era=1, withdrawn="revoked"))
    assert event.details["vouched"] == "root"
    assert believed(clerk, keys) == ({"second"}, {"second"})
    assert keys.revoked(None)
    (event,) = receive(keys, clerk.say("second", "first", number=2, era=1))
    assert event.reason is Rejection.REVOKED_KEY
    (event,) = receive(keys, clerk.say("second", "third", "first", number=2, era=1))
    assert event.reason is Rejection.REVOKED_KEY
    (event,) = receive(clerk.post(), clerk.say("first", "thief", number=2, era=1))
    assert event.reason is Rejection.REVOKED_KEY, "it is known by its name after a restart"
    receive(keys, clerk.say("second", "third", "second", number=2, era=1))
    for each in (keys, clerk.post()):
        assert believed(clerk, each)[1] == {"second", "third"}, "to retire another key brings none back"


def test_the_key_that_was_given_is_revoked_though_so_many_followed_that_it_is_forgotten(clerk: Clerk) -> None:
    keys = clerk.post()
    names = ["first", *(str(number) for number in range(1, REMEMBERED + 3))]
    for number, (former, present) in enumerate(pairwise(names), 1):
        receive(keys, clerk.say(former, present, number=number))
    assert "first" not in believed(clerk, keys)[1]
    assert not keys.revoked(None)
    receive(keys, clerk.say("root", "good", era=1, withdrawn="revoked"))
    assert keys.revoked(None)


def test_a_revocation_takes_the_keys_that_were_only_retired_too(clerk: Clerk) -> None:
    keys = two_steps(clerk)
    assert "zeroth" in believed(clerk, keys)[1]
    receive(keys, clerk.say("root", "third", era=1, withdrawn="revoked"))
    assert believed(clerk, keys) == ({"third"}, {"third"})


def test_the_root_gets_back_what_a_thief_of_the_key_took_over(clerk: Clerk) -> None:
    keys = clerk.post()
    receive(keys, clerk.say("first", "thief", number=2**53 - 1))
    assert believed(clerk, keys)[0] == {"thief"}
    (event,) = receive(keys, clerk.say("first", "second", "first"), clerk.say("second", "second", "first"))
    assert event.reason is Rejection.BAD_SIGNATURE
    (event,) = receive(keys, clerk.say("root", "second", era=1, withdrawn="revoked"))
    assert event.action == "trusted_keys_changed"
    assert believed(clerk, keys) == ({"second"}, {"second"})
    receive(keys, clerk.say("second", "third", "second", era=1, number=2))
    assert believed(clerk, clerk.post())[0] == {"second", "third"}


def test_the_root_s_word_leads_on_whatever_a_post_holds(clerk: Clerk) -> None:
    message = (
        clerk.say("root", "fifth", era=3),
        clerk.say("fifth", "fifth", era=3),
        clerk.say("fifth", "sixth", "fifth", era=3, number=2),
    )
    for given in ("first", "stranger", "fifth"):
        keys = Clerk(clerk.directory.with_name(given), root=clerk.root, keys=clerk.keys).post(given)
        receive(keys, *message)
        assert clerk.names(keys.arriving(NOW)) == {"fifth", "sixth"}, given


def test_a_lost_key_is_replaced_by_the_root_without_revoking(clerk: Clerk) -> None:
    keys = clerk.post()
    receive(keys, clerk.say("root", "second", "first", era=1))
    assert believed(clerk, keys) == ({"first", "second"}, {"first", "second"})


# --- the disk


class PowerCut(BaseException):
    pass


@pytest.mark.parametrize("step", ["open", "fsync", "replace"])
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_a_power_cut_leaves_the_old_keys_or_the_new(
    clerk: Clerk, monkeypatch: pytest.MonkeyPatch, step: str, *, after: bool
) -> None:
    receive(clerk.post(), clerk.say("first", "second", "first"))
    keys = clerk.post()
    whole = getattr(files.os, step)

    def cut(*args: Any, **more: Any) -> Any:
        if after:
            whole(*args, **more)
        raise PowerCut

    with monkeypatch.context() as patch:
        patch.setattr(files.os, step, cut)
        with pytest.raises(PowerCut):
            receive(keys, clerk.say("second", "second", number=2))
    again = clerk.post()
    assert again.take_events() == ()
    assert believed(clerk, again)[0] in ({"first", "second"}, {"second"})


def test_a_full_disk_refuses_and_keeps_what_there_is(clerk: Clerk, monkeypatch: pytest.MonkeyPatch) -> None:
    keys = clerk.post()
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", lambda _file: (_ for _ in ()).throw(OSError(28, "No space left on device")))
        (event,) = receive(keys, clerk.say("first", "second"))
    assert (event.reason, event.outcome) == (Rejection.NOT_KEPT, "failure")
    assert believed(clerk, keys)[0] == {"first"}
    assert receive(keys, clerk.say("first", "second"))[0].action == "trusted_keys_changed"


def test_a_damaged_file_is_said_and_the_broker_s_message_leads_on_again(clerk: Clerk) -> None:
    message = (clerk.say("first", "second", "first"), clerk.say("second", "second", number=2))
    receive(clerk.post(), *message)
    path = clerk.directory / "keys-lists.json"
    path.write_bytes(path.read_bytes()[:-20])
    keys = clerk.post()
    (event,) = keys.take_events()
    assert (event.action, event.reason, event.outcome) == ("trusted_keys_refused", Rejection.MALFORMED, "failure")
    receive(keys, *message)
    assert believed(clerk, keys)[0] == {"second"}


def test_what_somebody_wrote_on_the_disk_has_no_effect(clerk: Clerk) -> None:
    receive(clerk.post(), clerk.say("first", "second", "first"))
    path = clerk.directory / "keys-lists.json"
    kept = json.loads(path.read_text())
    kept["statements"].append(clerk.say("thief", "thief", number=2).decode())
    path.write_text(json.dumps(kept))
    assert believed(clerk, clerk.post())[0] == {"first"}


def test_a_key_that_was_given_by_hand_begins_anew(clerk: Clerk) -> None:
    receive(clerk.post(), clerk.say("root", "second", era=1, withdrawn="revoked"))
    keys = clerk.post("third")
    assert believed(clerk, keys) == ({"third"}, {"third"})
    (event,) = receive(keys, clerk.say("first", "thief"))
    assert event.reason is Rejection.REVOKED_KEY


def test_steps_without_the_root_s_word_have_an_end(clerk: Clerk) -> None:
    keys = clerk.post()
    for number in range(1, MOST + 1):
        keys.receive(clerk.say("first", "first", number=number), at=NOW)
    keys.take_events()
    (event,) = receive(keys, clerk.say("first", "first", number=MOST + 1))
    assert event.reason is Rejection.TOO_LARGE
    receive(keys, clerk.say("root", "second", era=1))
    assert believed(clerk, clerk.post())[0] == {"second"}
