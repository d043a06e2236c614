"""A remote configuration: taken only whole, signed, newer and fit; tried; given back."""

import json
import os
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from joserfc.jwk import ECKey

from platepost.device.audit.log import AuditEvent
from platepost.device.config import REMOTE_KEYS, Configuration
from platepost.device.config.reference import reference
from platepost.device.control import (
    ConfigurationStore,
    RefusedError,
    Rejection,
    RemoteConfiguration,
    SigningKeys,
    overlay,
)
from platepost.device.control.configuration.remote import FAULT_SECONDS, STARTS
from platepost.device.control.keys.store import KeyStore
from platepost.wire.keys.history import REMEMBERED
from platepost.wire.keys.statement import Key
from platepost.wire.records import Purpose
from tests.device.control.keys.clerk import Clerk, pem
from tests.device.control.world import BAD_CLOCK, SOURCE, World

GOOD = {"vision": {"minimum_confidence": 0.45}, "passages": {"repeat_seconds": 20}}


def said(remote: RemoteConfiguration) -> AuditEvent:
    (event,) = remote.take_events()
    return event


def confidence(world: World) -> float:
    """What the post would run with after a power cut now."""
    return world.remote().effective.vision.minimum_confidence


def test_a_good_one_is_in_force_at_once_and_after_a_restart(world: World) -> None:
    remote = world.remote()
    jws = world.sign(GOOD)
    world.give(remote, jws)
    event = said(remote)
    assert (event.action, event.identity, event.object) == ("configuration_applied", "j-stone", "1")
    assert event.details["settings"] == GOOD
    pending = remote.take_pending()
    assert pending is not None
    assert (pending.vision.minimum_confidence, pending.passages.repeat_seconds) == (0.45, 20)
    assert remote.take_pending() is None
    assert (remote.state().state, remote.state().version) == ("trial", 1)

    again = world.remote()
    assert again.effective == pending
    assert again.state().digest == event.details["digest"]


def test_near_matching_is_set_from_afar(world: World) -> None:
    remote = world.remote()
    world.give(remote, world.sign({"hotlist": {"look_alike_pairs": ["B8", "S5"], "near_alternatives": 2}}))
    pending = remote.take_pending()
    assert pending is not None
    assert (pending.hotlist.look_alike_pairs, pending.hotlist.near_alternatives) == (("B8", "S5"), 2)


def test_the_next_one_takes_the_place_of_all_that_the_last_one_set(world: World) -> None:
    remote = world.remote()
    world.give(remote, world.sign(GOOD))
    world.give(remote, world.sign({}))
    assert remote.take_pending() == world.base
    assert remote.state().version == 2


def test_the_same_again_is_no_event(world: World) -> None:
    remote = world.remote()
    jws = world.sign(GOOD)
    world.give(remote, jws)
    remote.take_events()
    remote.take_pending()
    world.give(remote, jws)
    assert (remote.take_events(), remote.take_pending()) == ((), None)


FORGED = ECKey.generate_key("P-256")
REFUSALS: dict[str, tuple[str, dict[str, Any]]] = {
    "another key": ("bad_signature", {"key": FORGED}),
    "signed for something else": ("malformed", {"typ": "platepost-hotlist+jws"}),
    "another agency": ("foreign_agency", {"agency": "lakeside"}),
    "another post": ("other_post", {"post": "post-2"}),
    "expired": ("expired", {"expires": "2026-01-02T00:00:00Z"}),
    "dated ahead": ("not_yet_valid", {"issued": "2098-01-01T00:00:00Z"}),
    "ends before it begins": ("malformed", {"expires": "2025-01-01T00:00:00Z"}),
    "no version": ("malformed", {"version": 0}),
    "version in words": ("malformed", {"version": "7"}),
    "a member that is not known": ("malformed", {"run": "reboot"}),
    "a key that is nobody's": ("not_allowed", {"settings": {"vision": {"speed": 1}}}),
    "a table that is nobody's": ("not_allowed", {"settings": {"": {}}}),
    "a broker": ("not_allowed", {"settings": {"uplink": {"brokers": ["evil.example:8883"]}}}),
    "a file": ("not_allowed", {"settings": {"records": {"signing_key": "/etc/passwd"}}}),
    "a name": ("not_allowed", {"settings": {"post": {"name": "post-2"}}}),
    "too high": ("invalid_value", {"settings": {"vision": {"minimum_confidence": 3}}}),
    "a text for a number": ("invalid_value", {"settings": {"vision": {"minimum_confidence": "0.5"}}}),
    "a number for a switch": ("invalid_value", {"settings": {"records": {"read_overview": 1}}}),
    "two that do not fit": ("invalid_value", {"settings": {"hotlist": {"warning_hours": 30}}}),
    "beyond all numbers": ("malformed", {"settings": {"passages": {"longest_seconds": float("inf")}}}),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_what_is_unfit_changes_nothing_and_is_named(world: World, name: str) -> None:
    remote = world.remote()
    world.give(remote, world.sign(GOOD))
    remote.take_pending()
    remote.take_events()
    before = remote.state()
    reason, changes = REFUSALS[name]

    world.give(remote, world.sign_anything(changes.get("key"), **{k: v for k, v in changes.items() if k != "key"}))

    event = said(remote)
    assert (event.action, event.reason, event.outcome) == ("configuration_refused", reason, "refused")
    assert remote.take_pending() is None
    assert remote.state().model_copy(update={"refused": None}) == before
    assert confidence(world) == 0.45


def test_older_and_equal_versions_are_refused_also_after_a_restart(world: World) -> None:
    first, second, other = world.sign(GOOD), world.sign({}), world.sign(GOOD, version=2)
    world.give(world.remote(), second)
    for message in (first, other):
        remote = world.remote()
        remote.take_events()
        world.give(remote, message)
        assert said(remote).reason == "older"


def test_an_invalid_value_is_named_with_key_value_and_what_would_be_right(world: World) -> None:
    remote = world.remote()
    world.give(remote, world.sign({"vision": {"minimum_confidence": 3, "minimum_characters": 0}}))
    message = str(said(remote).details["message"])
    assert "vision.minimum_confidence = 3: should be less than or equal to 1" in message
    assert "vision.minimum_characters = 0: should be greater than or equal to 1" in message
    refused = remote.state().refused
    assert refused is not None
    assert (refused.version, refused.reason, refused.message) == (1, "invalid_value", message)


def test_a_message_of_faults_has_a_bound(world: World) -> None:
    remote = world.remote()
    sections = {"vision": {f"key{number}" + "x" * 500: "y" * 500 for number in range(40)}}
    world.give(remote, world.sign_anything(settings=sections))
    assert len(str(said(remote).details["message"])) <= 1000


def test_with_a_doubtful_clock_only_the_date_ahead_is_not_held_against_it(world: World) -> None:
    world.clock = BAD_CLOCK
    remote = world.remote()
    world.give(remote, world.sign_anything(issued="2098-01-01T00:00:00Z"))
    assert said(remote).action == "configuration_applied"


# --- the trial


class Steady:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def trial(world: World, steady: Steady, *faults: str) -> RemoteConfiguration:
    remote = world.remote(trial_seconds=300, steady=steady)
    world.give(remote, world.sign(GOOD), *faults)
    remote.take_pending()
    remote.take_events()
    return remote


def test_a_trial_without_a_new_fault_ends_well(world: World) -> None:
    steady = Steady()
    remote = trial(world, steady, "hotlist_stale")
    for steady.now in (1, 100, 299):
        remote.watch(["hotlist_stale"])
        assert remote.state().state == "trial"
    steady.now = 301
    remote.watch(["hotlist_stale"])
    assert remote.state().state == "applied"
    assert remote.take_events() == ()
    steady.now = 400
    remote.watch(["falling_behind"])
    steady.now = 500
    remote.watch(["falling_behind"])
    assert remote.state().state == "applied", "what comes later is not its doing"


def test_a_trial_lasts_until_it_is_decided_what_a_configuration_can_cause(world: World) -> None:
    steady = Steady()
    remote = trial(world, steady)
    steady.now = 900
    remote.watch([], waits=True)
    assert remote.state().state == "trial"
    remote.watch([])
    assert remote.state().state == "applied"


@pytest.mark.parametrize(
    "setting",
    [
        {"vision": {"minimum_confidence": 1}},
        {"vision": {"minimum_score": 1}},
        {"vision": {"motion_area": 1}},
        {"vision": {"minimum_characters": 8}},
        {"hotlist": {"stale_hours": 1000}},
        {"hotlist": {"warning_hours": 49, "stale_hours": 60}},
        {"records": {"health_seconds": 1000}},
        {"passages": {"longest_seconds": 1}},
        {"passages": {"repeat_seconds": 1000}},
        {"passages": {"sure_confidence": 0.5}},
        {"passages": {"agreeing_frames": 50}},
        {"passages": {"agreeing_confidence": 1}},
    ],
)
def test_what_would_blind_a_fleet_cannot_be_set_from_afar(world: World, setting: dict[str, dict[str, float]]) -> None:
    remote = world.remote()
    world.give(remote, world.sign_anything(settings=setting))
    event = said(remote)
    assert (event.action, event.reason) == ("configuration_refused", "invalid_value")
    assert "set remotely" in str(event.details["message"])
    assert remote.effective == world.base


def test_which_member_of_a_signed_configuration_is_wrong_is_told(world: World) -> None:
    remote = world.remote()
    world.give(remote, world.sign_anything(version="7"))
    assert (said(remote).details["message"], remote.state().refused) == (
        "the signed content is not a configuration: version",
        None,
    )


def test_a_new_fault_that_lasts_brings_the_one_before_back(world: World) -> None:
    steady = Steady()
    remote = trial(world, steady)
    remote.watch(["falling_behind"])
    steady.now = FAULT_SECONDS - 1
    remote.watch(["falling_behind"])
    assert remote.state().state == "trial"
    steady.now = FAULT_SECONDS + 1
    remote.watch(["falling_behind"])

    event = said(remote)
    assert (event.action, event.reason, event.object) == ("configuration_reverted", "degraded", "1")
    assert "falling_behind" in str(event.details["message"])
    assert remote.take_pending() == world.base
    state = remote.state()
    assert (state.state, state.version) == ("file", None)
    assert state.refused is not None
    assert (state.refused.version, state.refused.reason) == (1, "degraded")


def test_what_was_reverted_is_not_taken_again_but_the_next_version_is(world: World) -> None:
    steady = Steady()
    remote = world.remote(trial_seconds=300, steady=steady)
    jws = world.sign(GOOD)
    world.give(remote, jws)
    remote.watch(["camera_failed"])
    steady.now = 20
    remote.watch(["camera_failed"])
    assert remote.take_pending() == world.base
    remote.take_events()
    world.give(remote, jws)
    assert (remote.take_pending(), remote.take_events()) == (None, ())
    world.give(remote, world.sign(GOOD))
    assert remote.take_pending() is not None


def test_a_fault_that_comes_and_goes_is_forgiven(world: World) -> None:
    steady = Steady()
    remote = trial(world, steady)
    for steady.now, faults in ((0, ["camera_silent"]), (10, []), (20, ["camera_silent"]), (30, [])):
        remote.watch(faults)
    assert remote.state().state == "trial"


def test_one_power_cut_is_no_crash_and_the_third_start_is(world: World) -> None:
    world.give(world.remote(), world.sign({"vision": {"minimum_confidence": 0.35}}))
    steady = Steady()
    settled = world.remote(trial_seconds=300, steady=steady)
    steady.now = 301
    settled.watch([])
    world.give(settled, world.sign(GOOD))
    for start in range(1, STARTS):
        remote = world.remote()
        assert remote.state().state == "trial", start
        assert remote.take_events() == ()
    remote = world.remote()
    assert (said(remote).reason, remote.state().state, remote.state().version) == ("did_not_start", "applied", 1)
    assert remote.effective.vision.minimum_confidence == 0.35


def test_what_no_longer_fits_the_software_is_given_back_at_the_start(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.give(world.remote(), world.sign(GOOD))
    fewer = REMOTE_KEYS - {"passages.repeat_seconds"}
    monkeypatch.setattr("platepost.wire.control.overlay.remote_keys", lambda _: fewer)
    remote = world.remote()
    event = said(remote)
    assert (event.action, event.reason) == ("configuration_reverted", "not_allowed")
    assert remote.effective == world.base


# --- the disk


class PowerCut(BaseException):
    pass


@pytest.mark.parametrize("step", ["open", "fsync", "replace"])
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_a_power_cut_leaves_the_old_one_or_the_new(
    world: World, monkeypatch: pytest.MonkeyPatch, step: str, *, after: bool
) -> None:
    world.give(world.remote(), world.sign({"vision": {"minimum_confidence": 0.35}}))
    remote = world.remote()
    whole = getattr(os, step)

    def cut(*args: Any, **more: Any) -> Any:
        if after:
            whole(*args, **more)
        raise PowerCut

    with monkeypatch.context() as patch:
        patch.setattr(os, step, cut)
        with pytest.raises(PowerCut):
            world.give(remote, world.sign(GOOD))
    assert confidence(world) in {0.35, 0.45}


def test_a_link_in_the_post_s_folder_leads_to_no_file_elsewhere(world: World, tmp_path: Path) -> None:
    """Root keeps them too, during an acceptance, in a folder in which the post's user could lay what he liked."""
    target = tmp_path / "crontab"
    target.write_text("root's")
    remote = world.remote()
    world.directory.mkdir(exist_ok=True)
    (world.directory / "configuration.part").symlink_to(target)
    world.give(remote, world.sign(GOOD))
    assert confidence(world) == 0.45
    assert target.read_text() == "root's"


def test_a_full_disk_refuses_and_keeps_what_there_is(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.give(world.remote(), world.sign({"vision": {"minimum_confidence": 0.35}}))
    remote = world.remote()
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", lambda _file: (_ for _ in ()).throw(OSError(28, "No space left on device")))
        world.give(remote, world.sign(GOOD))
    assert said(remote).reason == "not_kept"
    assert remote.take_pending() is None
    assert confidence(world) == 0.35


def test_on_a_disk_that_counts_no_starts_the_one_before_is_in_force_and_with_room_the_trial_goes_on(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.give(world.remote(), world.sign(GOOD))
    for _ in range(STARTS + 1):
        with monkeypatch.context() as patch:
            patch.setattr(os, "fsync", lambda _file: (_ for _ in ()).throw(OSError(28, "No space left on device")))
            remote = world.remote()
        assert said(remote).reason == "did_not_start"
        assert (remote.state().state, remote.effective) == ("file", world.base)
    remote = world.remote()
    assert (remote.state().state, remote.effective.vision.minimum_confidence) == ("trial", 0.45)


def test_what_the_disk_did_not_take_is_applied_once_it_does(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    remote = world.remote()
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", lambda _file: (_ for _ in ()).throw(OSError(28, "No space left on device")))
        world.give(remote, world.sign(GOOD))
    assert said(remote).reason == "not_kept"
    remote.look_again(at=world.now, clock=world.clock, faults=())
    assert said(remote).action == "configuration_applied"
    assert remote.state().refused is None
    remote.look_again(at=world.now, clock=world.clock, faults=())
    assert remote.take_events() == ()


@pytest.mark.parametrize(("days", "reason"), [(30, "expired"), (-30, "not_yet_valid")])
def test_what_a_wrong_clock_spoke_against_is_applied_once_it_is_right(world: World, days: int, reason: str) -> None:
    remote, right = world.remote(), world.now
    world.now += timedelta(days=days)
    world.give(remote, world.sign(GOOD))
    assert said(remote).reason == reason
    remote.look_again(at=world.now, clock=world.clock, faults=())
    assert remote.take_events() == (), "it has been said"
    remote.look_again(at=right, clock=world.clock, faults=())
    assert said(remote).action == "configuration_applied"


def test_what_was_refused_for_the_clock_is_forgotten_for_what_came_since(world: World) -> None:
    remote, right = world.remote(), world.now
    former = world.sign(GOOD)
    world.now += timedelta(days=30)
    world.give(remote, former)
    world.now = right
    world.give(remote, world.sign({"vision": {"minimum_confidence": 0.6}}))
    remote.take_events()
    remote.look_again(at=right, clock=world.clock, faults=())
    assert remote.take_events() == ()


def test_a_damaged_file_is_said_and_the_retained_one_comes_again(world: World) -> None:
    jws = world.sign(GOOD)
    world.give(world.remote(), jws)
    path = world.directory / "configuration.json"
    path.write_bytes(path.read_bytes()[:-30])
    remote = world.remote()
    assert (said(remote).reason, remote.effective) == ("malformed", world.base)
    world.give(remote, jws)
    assert said(remote).action == "configuration_applied"


def test_a_file_that_somebody_wrote_on_the_disk_has_no_effect(world: World) -> None:
    world.give(world.remote(), world.sign(GOOD))
    path = world.directory / "configuration.json"
    kept = json.loads(path.read_text())
    kept["current"]["jws"] = world.sign_anything(FORGED).decode()
    path.write_text(json.dumps(kept))
    remote = world.remote()
    assert said(remote).reason == "bad_signature"
    assert remote.effective == world.base


# --- what may be set


def test_all_that_may_be_set_exists_and_nothing_of_trust_or_place_is_in_it() -> None:
    for name in REMOTE_KEYS:
        section, _, key = name.partition(".")
        field = Configuration.model_fields[section].annotation
        assert key in field.model_fields, name  # type: ignore[union-attr]
    sections = {"vision", "passages", "hotlist", "records", "custody", "software", "service"}
    assert {name.partition(".")[0] for name in REMOTE_KEYS} <= sections
    assert not {
        name for name in REMOTE_KEYS if any(word in name for word in ("key", "path", "directory", "certificate"))
    }


def test_the_reference_marks_the_keys_that_may_be_set_and_no_other() -> None:
    marked = {
        f"{section}.{key}"
        for section, table in re.findall(r"^## (\S+)\n(.*?)(?=^## |\Z)", reference(), re.MULTILINE | re.DOTALL)
        for key, remotely in re.findall(r"^\| `(\w+)` \|.*\| ([^|]*)\|$", table, re.MULTILINE)
        if remotely.strip()
    }
    assert marked == set(REMOTE_KEYS)


def test_a_validity_of_a_second_has_ended_a_second_later(world: World) -> None:
    remote = world.remote()
    jws = world.sign(GOOD, lifetime=timedelta(seconds=1))
    world.now = datetime.now(UTC) + timedelta(seconds=1)
    world.give(remote, jws)
    assert said(remote).reason == "expired"


def test_overlay_leaves_the_base_alone(world: World) -> None:
    base = world.base
    overlay(base, GOOD)
    assert base == world.base
    with pytest.raises(RefusedError):
        overlay(base, {"nothing": {"at_all": 1}})


# --- keys that change


def rotated(world: World, *, revoke: bool = False) -> tuple[SigningKeys, ECKey]:
    """Return the post's keys after the key that it was given was replaced, and the new one."""
    first, second = world.key, ECKey.generate_key("P-256")
    root = ECKey.generate_key("P-256")
    clerk = Clerk(world.directory, root=root, keys={"first": first, "second": second})
    keys = SigningKeys(
        Purpose.CONFIGURATION,
        Key.of(pem(first)),
        agency="riverside",
        roots=(Key.of(pem(root)),),
        store=KeyStore(world.directory, Purpose.CONFIGURATION),
    )
    how = {"withdrawn": "revoked" if revoke else "retired"}
    keys.receive(clerk.say("root", "second", era=1, purpose="configuration", **how), at=world.now)
    return keys, second


def test_what_a_retired_key_signed_stays_in_force_and_nothing_more_of_it_is_taken(world: World) -> None:
    remote = world.remote()
    jws = world.sign(GOOD)
    world.give(remote, jws)
    keys, second = rotated(world)
    remote = RemoteConfiguration(world.base, ConfigurationStore(world.directory), keys, SOURCE)
    assert remote.start().vision.minimum_confidence == 0.45
    world.give(remote, jws)
    assert remote.take_events() == (), "it is in force"
    world.give(remote, world.sign({}))
    event = said(remote)
    assert (event.action, event.reason) == ("configuration_refused", Rejection.RETIRED_KEY)
    world.give(remote, world.sign_anything(second))
    assert said(remote).action == "configuration_applied"


def test_what_a_revoked_key_signed_is_given_back_and_its_version_is_no_bar(world: World) -> None:
    remote = world.remote()
    world.give(remote, world.sign_anything(version=2**53 - 1, settings=GOOD))
    assert remote.take_pending() is not None
    remote.take_events()
    keys, second = rotated(world, revoke=True)
    remote._keys = keys
    remote.recheck()
    event = said(remote)
    assert (event.action, event.reason) == ("configuration_reverted", Rejection.REVOKED_KEY)
    assert remote.take_pending() == world.base
    assert remote.state().state == "file"
    remote.recheck()
    assert remote.take_events() == ()
    world.give(remote, world.sign_anything(version=2**53 - 1))
    assert said(remote).reason is Rejection.REVOKED_KEY
    world.give(remote, world.sign_anything(second, version=2))
    assert said(remote).action == "configuration_applied"


def test_a_revocation_that_a_power_cut_followed_takes_effect_at_the_start(world: World) -> None:
    world.give(world.remote(), world.sign_anything(version=2**53 - 1, settings=GOOD))
    keys, second = rotated(world, revoke=True)
    remote = RemoteConfiguration(world.base, ConfigurationStore(world.directory), keys, SOURCE)
    assert remote.start() == world.base
    assert said(remote).reason is Rejection.REVOKED_KEY
    world.give(remote, world.sign_anything(second, version=1))
    assert said(remote).action == "configuration_applied"


@pytest.mark.parametrize("revoke", [True, False], ids=["revoked", "retired"])
def test_a_key_that_was_forgotten_bars_no_later_version_once_all_before_it_are_revoked(
    world: World, *, revoke: bool
) -> None:
    """Anyone who has the key can have it forgotten: so many follow one another that the post knows it no more."""
    world.give(world.remote(), world.sign_anything(version=2**53 - 1, settings=GOOD))
    first, root = world.key, ECKey.generate_key("P-256")
    clerk = Clerk(world.directory, root=root, keys={"0": first})
    key_store = KeyStore(world.directory, Purpose.CONFIGURATION)
    roots = (Key.of(pem(root)),)
    keys = SigningKeys(Purpose.CONFIGURATION, Key.of(pem(first)), agency="riverside", roots=roots, store=key_store)
    for number in range(1, REMEMBERED + 3):
        keys.receive(clerk.say(str(number - 1), str(number), number=number, purpose="configuration"), at=world.now)
    assert first.thumbprint() not in {key.thumbprint() for key, _ in keys.gone(world.now)}
    assert not keys.revoked(None), "so far it was only retired"
    how = {"withdrawn": "revoked" if revoke else "retired"}
    keys.receive(clerk.say("root", "good", era=1, purpose="configuration", **how), at=world.now)
    assert keys.revoked(None) is revoke
    assert not keys.revoked(clerk.key("good").thumbprint())
    remote = RemoteConfiguration(world.base, ConfigurationStore(world.directory), keys, SOURCE)
    remote.start()
    remote.take_events()
    world.give(remote, world.sign_anything(clerk.key("good"), version=3))
    event = said(remote)
    assert (event.action, event.reason) == (
        ("configuration_applied", None) if revoke else ("configuration_refused", Rejection.OLDER)
    )


def test_a_damaged_memory_of_keys_lets_no_former_version_in_again(world: World) -> None:
    world.give(world.remote(), world.sign_anything(version=1))
    keys, second = rotated(world, revoke=True)
    remote = RemoteConfiguration(world.base, ConfigurationStore(world.directory), keys, SOURCE)
    remote.start()
    world.give(remote, world.sign_anything(second, version=9))
    (world.directory / "keys-configuration.json").write_bytes(b"{")
    given = SigningKeys(
        Purpose.CONFIGURATION, Key.of(pem(world.key)), store=KeyStore(world.directory, Purpose.CONFIGURATION)
    )
    given.load()
    remote = RemoteConfiguration(world.base, ConfigurationStore(world.directory), given, SOURCE)
    remote.start()
    remote.take_events()
    world.give(remote, world.sign_anything(version=8))
    assert said(remote).reason is Rejection.OLDER
