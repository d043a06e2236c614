"""The most likely wrong stops at the console's requests: what its page shows of each, and what is rejected.

By the services and by SQL they are in `test_wrong_stops.py`; what a person presses is in `pages/test_console_page.py`.
"""

import re
from dataclasses import dataclass, field
from html import unescape
from typing import Any

import pytest

from platepost.department.database.roles import COMMAND
from platepost.department.people.models import CovertMember, DepartmentPerson
from platepost.department.people.rights import DepartmentRole
from platepost.wire.records.parts import ClockQuality
from tests.department.alerts.alarms import seen
from tests.department.alerts.conftest import Dispatch
from tests.department.alerts.test_console import Tries
from tests.department.custody.posts import GROUP
from tests.department.people.persons import new_person
from tests.department.roles import as_role

PLATE = "7ABD123"
HELD = ClockQuality(source="unknown", synchronised=False, held_seconds=-90.0)


@dataclass(frozen=True)
class Stop:
    """A likely wrong stop, and what someone does who compares."""

    shows: str
    """What the page shows, where only the person can prevent it."""
    members: dict[str, Any] = field(default_factory=dict)
    """Of the hit, where they are not those of an exact match."""
    characters: str = "s" * 7
    region: str = "same"
    vehicle: str = "same"
    then: str = "taken"
    """What it is after these answers: `taken` where one speaks against it."""
    reason: str = ""
    """For which it is rejected then; empty where the state's system clears it."""
    group: str | None = None

    @property
    def answers(self) -> dict[str, str]:
        return answers(self.characters, self.region, self.vehicle)


def answers(characters: str, region: str = "same", vehicle: str = "same") -> dict[str, str]:
    by_character = {f"character{place}": answer for place, answer in enumerate(characters)}
    return by_character | {"region": region, "vehicle": vehicle}


STOPS = {
    "a D for a 0": Stop("a D for a 0", characters="sssdsss", reason="misread"),
    "another state's": Stop(
        "The state doesn't match: listed CA, seen other",
        {"region": "other", "state_agreement": "contradicts"},
        region="other",
        reason="other_state",
    ),
    "stale by an hour": Stop("The list was too old", {"hotlist_stale": True}, then="confirmed"),
    "recovered yesterday": Stop("with the state's system before acting", then="confirmed"),
    "a pattern": Stop(
        "A pattern, not a plate", {"plate_matched": "7AB?12*", "match": "partial"}, then="waiting", reason="misread"
    ),
    "stacked letters": Stop(
        "stacked or small letters",
        {"plate_matched": "7ABD123M", "match": "near"},
        characters="s" * 7 + "d",
        reason="misread",
    ),
    "swapped plates": Stop("Vehicle: none is described", vehicle="other", reason="other_vehicle"),
    "a near match": Stop(
        "a second person must compare it",
        {"plate_matched": "7A8D123", "match": "near"},
        then="waiting",
        reason="misread",
    ),
    "withdrawn while they drive up": Stop("Possible match", then="confirmed", reason="withdrawn"),
    "a wrong clock": Stop("clock was wrong", {"clock": HELD}, then="confirmed"),
    "a picture on a truck": Stop("not a picture of one", characters="i" + "s" * 6, reason="illegible"),
    "covert": Stop("Covert: for vice only", vehicle="other", reason="other_vehicle", group=GROUP),
}


def shown(tries: Tries, person: DepartmentPerson, hit: int) -> str:
    """Return what the console shows of a hit, as text, after the HTML of its forms."""
    with as_role(COMMAND):
        (view,) = tries.clients[person.login].post("/console/hits/", {"records": hit}).json()["hits"]
    html = f"{view['compare']} {view['facts']} {view['steps']}"
    return f"{html} {' '.join(unescape(re.sub('<[^>]*>', ' ', html)).split())}"


@pytest.mark.parametrize("stop", STOPS.values(), ids=STOPS.keys())
def test_each_wrong_stop_is_shown_and_prevented(dispatch: Dispatch, stop: Stop) -> None:
    tries = Tries(dispatch)
    holder, other = (dispatch.person(login).person for login in ("a.rivera", "b.chen"))
    outsiders = [
        new_person("c.lapsed", DepartmentRole.DISPATCHER, current=False),
        new_person("d.okafor", DepartmentRole.AUDITOR),
    ]
    members = seen(PLATE, dispatch.post.now, pictures=False, **stop.members)
    if stop.group:
        CovertMember.objects.create(person=holder, group=stop.group)
    alert = dispatch.alert(stop.group, **members)
    hit, all_same = alert.record_id, answers("s" * len(stop.characters))

    tries.refused(
        holder, hit, "confirm", "active", "outcome", "withdraw", "second", "substitute", reason="stop", **all_same
    )
    for person in (*outsiders, *([other] if stop.group else [])):
        tries.refused(person, hit, "take")
    assert tries.send(holder, hit, "take", 0) == 204
    assert stop.shows in shown(tries, holder, hit)
    tries.refused(holder, hit, "take", "active", "confirm", "outcome", reason="stop")
    for left_out in ("vehicle", "character0", f"character{len(stop.characters) - 1}"):
        tries.refused(holder, hit, "confirm", **{**all_same, left_out: ""})
    assert tries.send(holder, hit, "confirm", 1, **stop.answers) == (422 if stop.then == "taken" else 204)
    assert tries.state(hit) == (stop.then, 1 if stop.then == "taken" else 2)
    assert ("data-decides" in shown(tries, holder, hit)) == (stop.then == "confirmed")
    for person in (*outsiders, other):
        tries.refused(person, hit, "active")

    if stop.then != "confirmed":
        tries.refused(holder, hit, "second", "active", "not_practical", **all_same, note="the terminal is down")
        assert tries.send(holder, hit, "reject", tries.state(hit)[1], reason=stop.reason, **stop.answers) == 204
    elif stop.reason == "withdrawn":
        assert tries.send(holder, hit, "active", 2) == 204
        dispatch.withdraw(alert.hit)
        tries.refused(holder, hit, "outcome", "active", "take", "confirm", reason="stop", **all_same)
        assert "WITHDRAWN: do not act" in shown(tries, holder, hit)
        assert tries.send(holder, hit, "meanwhile", 4, reason="units_sent") == 204
    else:
        if stop.members.get("hotlist_stale"):
            tries.refused(holder, hit, "not_practical", note="the terminal is down")
        assert tries.send(holder, hit, "cleared", 2) == 204
    assert tries.state(hit)[0] == ("accounted" if stop.reason == "withdrawn" else "rejected")
    assert tries.reached == []
