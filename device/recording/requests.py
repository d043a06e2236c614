"""How a person at the unit asks its post to record: a file in the post's folder, answered by another beside it.

A post has no listening port; who may write into its folder is who administers the unit.
"""

import json
import re
import secrets
from dataclasses import asdict, dataclass
from pathlib import Path
from time import monotonic
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from platepost.common.files import as_owner_of, keep_newest, make_folder, write_durably
from platepost.common.systemd import boot_id

FOLDER = "requests"
GOOD_SECONDS = 60.0
"""How long a request counts: the one who asked waits no longer."""
KEPT_ANSWERS = 16
"""Answers that wait for the one who asked, and may be gone."""
_NAME = re.compile(r"request-[0-9a-f]{16}\.json")


class Request(BaseModel):
    """What a person wants."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    do: Literal["start", "stop"]
    person: str = Field(min_length=2, max_length=80)
    account: str = Field(max_length=64)
    """Under which the person is logged in on the unit."""
    purpose: str = Field(default="", max_length=200)
    minutes: float | None = Field(default=None, gt=0)
    asked: float | None = None
    """When it was laid there, seconds since the machine's start, which no setting of the clock makes younger."""
    boot: str = ""
    """The start of the machine that `asked` counts from."""

    @property
    def counts(self) -> bool:
        """Whether it was laid there within the last minute."""
        return self.asked is not None and self.boot == boot_id() and 0 <= monotonic() - self.asked <= GOOD_SECONDS


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a request: a recording's name, or the reason why there is none."""

    recording: str | None
    reason: str | None
    said: str


def ask(directory: Path, request: Request) -> str:
    """Lay a request into the post's folder, root as the post, with the time, and return its name. Raises OSError."""
    folder = directory / FOLDER
    request = request.model_copy(update={"asked": monotonic(), "boot": boot_id()})
    name = f"request-{secrets.token_hex(8)}.json"
    with as_owner_of(directory):
        make_folder(folder)
        write_durably(folder / name, request.model_dump_json().encode())
    return name


def fetch(directory: Path, name: str) -> Answer | None:
    """Return the answer to a request, once; None as long as there is none. Raises OSError."""
    path = _answer(directory / FOLDER / name)
    try:
        answer = Answer(**json.loads(path.read_bytes()))
        path.unlink()
    except FileNotFoundError:
        return None
    return answer


def withdraw(directory: Path, name: str) -> bool:
    """Take a request back; return whether the post had not taken it up yet. Raises OSError."""
    try:
        (directory / FOLDER / name).unlink()
    except FileNotFoundError:
        return False
    return True


def take(directory: Path) -> list[tuple[str, Request | None]]:
    """Return the requests that lie there, by name, and take them away; None for what is none. Raises OSError."""
    try:
        paths = sorted(path for path in (directory / FOLDER).iterdir() if _NAME.fullmatch(path.name))
    except FileNotFoundError:
        return []
    requests = []
    for path in paths:
        try:
            request: Request | None = Request.model_validate_json(path.read_bytes())
        except ValidationError:
            request = None
        path.unlink()
        requests.append((path.name, request))
    return requests


def answer(directory: Path, name: str, said: Answer) -> None:
    """Answer a request. Raises OSError."""
    members: dict[str, Any] = asdict(said)
    path = _answer(directory / FOLDER / name)
    write_durably(path, json.dumps(members).encode())
    for suffix in (path.suffix, ".part"):  # of those that asked, or laid, and were killed
        keep_newest(path.parent.glob(f"request-*{suffix}"), KEPT_ANSWERS)


def _answer(request: Path) -> Path:
    return request.with_suffix(".answer")
