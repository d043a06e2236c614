"""Hits as a post signs them, with pictures that show something, and people who answer them in a real browser."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime, timedelta
from typing import Any

import cv2
import numpy as np
import psycopg

from platepost.department.custody.tables import BROKER_LOCKS, LOCK
from platepost.department.database.roles import KEEPER
from platepost.department.folder import DepartmentFolder
from platepost.wire.records import Picture, new_identifier
from platepost.wire.records.parts import Character, HotListState
from tests.department.commands.installation import done_aside

_SESSIONS = """
import sys
from pathlib import Path
from platepost.department.session import set_up_django
from platepost.department.database.roles import OWNER
from platepost.department.folder import DepartmentFolder
set_up_django(DepartmentFolder(Path(sys.argv[1])), OWNER)
from platepost.department.people.rights import DepartmentRole
from tests.department.people.persons import client_of, new_person
for said in sys.argv[2:]:
    login, role, current = said.split(":")
    person = new_person(login, DepartmentRole(role), current=current == "current")
    print(client_of(person).cookies["sessionid"].value)
"""


def sessions(folder: DepartmentFolder, *people: str) -> list[str]:
    """Make people, each said as `login:role:current` or `login:role:lapsed`; return the keys of their sessions."""
    return done_aside(_SESSIONS, folder.path, *people).split()


def drawn(text: str, width: int, height: int) -> bytes:
    """Return a JPEG of a plate on a car, or of the plate alone."""
    picture = np.full((height, width, 3), (96, 88, 84), np.uint8)
    plate = (width // 3, height // 2, width // 3, height // 4) if width > 200 else (4, 4, width - 8, height - 8)
    x, y, w, h = plate
    if width > 200:
        cv2.rectangle(picture, (width // 8, height // 6), (width * 7 // 8, height * 7 // 8), (150, 60, 40), -1)
        cv2.rectangle(picture, (width // 5, height // 5), (width * 4 // 5, height * 2 // 5), (60, 50, 45), -1)
    cv2.rectangle(picture, (x, y), (x + w, y + h), (235, 240, 240), -1)
    scale = w / len(text) / 21
    cv2.putText(picture, text, (x + w // 12, y + h * 3 // 4), cv2.FONT_HERSHEY_SIMPLEX, scale, (120, 40, 20), 2)
    return bytes(cv2.imencode(".jpg", picture)[1].tobytes())


def seen(plate: str, at: datetime, *, listed: str | None = None, pictures: bool = True, **more: Any) -> dict[str, Any]:
    """Return the members of a hit of now, for `Post.hit`."""
    taken = [
        Picture.of(kind, drawn(plate, *size), width=size[0], height=size[1])
        for kind, size in (("patch", (160, 64)), ("overview", (480, 300)))
    ]
    age = timedelta(hours=2)
    hotlist = HotListState(
        state="current", version=118, issuer="Riverside", built=at - age, age_seconds=age.total_seconds(), entries=48213
    )
    return {
        "hit": new_identifier(),
        "plate_read": plate,
        "plate_key": plate.replace("O", "0").replace("I", "1"),
        "plate_matched": listed or plate,
        "characters": tuple(Character(value=each, confidence=0.71 if each in "OD0" else 0.9962) for each in plate),
        "captured": at,
        "first_seen": at,
        "last_seen": at,
        "category": "Stolen Vehicle",
        "state": "CA",
        "region": "US-CA",
        "state_agreement": "agrees",
        "match_confidence": 0.97,
        "reference": "26-004711",
        "hotlist": hotlist,
        "pictures": tuple(taken) if pictures else (),
        **more,
    }


@contextmanager
def brokers_heard(folder: DepartmentFolder) -> Iterator[psycopg.Connection]:
    """Have the database believe that a keeper hears the first broker."""
    with closing(psycopg.connect(folder.conninfo(KEEPER), autocommit=True)) as keeper:
        keeper.execute("SELECT pg_try_advisory_lock(%s), pg_advisory_lock(%s, 0)", [LOCK, BROKER_LOCKS])
        yield keeper
