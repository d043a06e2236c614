"""Enrolment that is cut off at every step, on the unit and in the office: the same command again ends it cleanly."""

import http.client
import os
import shutil
import threading
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509

from device import config
from device.enrolment.errors import EnrolmentError
from device.enrolment.keyfiles import read_key_file
from device.enrolment.unit import Unit
from provisioning.ledger import Ledger
from tests.provisioning.enrolment.conftest import Department


class PowerCutError(BaseException):
    """Nothing that runs afterwards may count on having run."""


class Cut:
    """Ends everything at the nth step of one thread or all others: a change of the disk, or a message."""

    STEPS = ((os, "replace"), (Path, "rename"), (shutil, "rmtree"), (http.client.HTTPConnection, "getresponse"))

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *, here: bool) -> None:
        self._own = threading.get_ident()
        self._here = here
        self.at: int | None = None
        self.steps = 0
        more = ((Ledger, "_append"),) if not here else ()
        for owner, name in (*self.STEPS, *more):
            monkeypatch.setattr(owner, name, self._watched(getattr(owner, name)))

    def _watched(self, real: Callable[..., Any]) -> Callable[..., Any]:
        def step(*arguments: Any, **named: Any) -> Any:  # noqa: ANN401
            if (threading.get_ident() == self._own) != self._here:
                return real(*arguments, **named)
            self.steps += 1
            if self.steps == self.at:
                raise PowerCutError if self._here else OSError("the office's power fails")
            return real(*arguments, **named)

        return step


def enrol_as_the_command_does(department: Department, unit: Unit, code: str) -> None:
    if unit.post is None or unit.plan() is not None:
        unit.begin("post-17")
    if not unit.go_on():
        department.enrol(unit, "post-17", code)


def is_whole(department: Department, unit: Unit) -> bool:
    read = config.load(unit.directory / "post.toml")
    leaf = x509.load_pem_x509_certificate(read.uplink.certificate.read_bytes())
    own = read_key_file(read.uplink.private_key).public_key()
    office = x509.load_pem_x509_certificate((department.fleet.post("post-17") / "certificate.pem").read_bytes())
    left = [path for path in unit.directory.iterdir() if path.name not in {"keys", "state"} and path.name[0] == "."]
    half = [*unit.directory.rglob("*.new"), *unit.directory.rglob("*.part")]
    return leaf.public_key() == own == office.public_key() and not left and not half and unit.post == "post-17"


def test_unit_goes_on_where_it_was_whenever_the_power_fails(
    department: Department, monkeypatch: pytest.MonkeyPatch
) -> None:
    cut = Cut(monkeypatch, here=True)
    for number in count(1):
        unit = department.unit(f"unit-{number}")
        code = department.invite("post-17", replaces="post-17" in department.fleet.posts())
        cut.steps, cut.at = 0, number
        try:
            enrol_as_the_command_does(department, unit, code)
        except PowerCutError:
            cut.at = None
            assert (unit.post is None) == (not (unit.directory / "post.toml").exists())
            if unit.post is None or unit.plan() is not None:
                enrol_as_the_command_does(department, unit, code)
        else:
            cut.at = None
            assert number > 20, "there are more steps than that"
            break
        assert is_whole(department, unit), f"cut at step {number}"
    assert len(department.fleet.ledger.of("post-17")) == 1


def test_unit_takes_everything_back_wherever_it_was_cut_off(
    department: Department, monkeypatch: pytest.MonkeyPatch
) -> None:
    cut = Cut(monkeypatch, here=True)
    code = department.invite("post-17")
    for number in range(1, 40, 3):
        unit = department.unit(f"unit-{number}")
        cut.steps, cut.at = 0, number
        with pytest.raises((PowerCutError, EnrolmentError)):  # the code is used up by the first that came so far
            enrol_as_the_command_does(department, unit, code)
        cut.at = None
        if unit.post is not None:
            break
        unit.abandon()
        left = [path for path in unit.directory.rglob("*") if path.is_file()] if unit.directory.exists() else []
        assert left == [], f"cut at step {number}"


def test_office_that_fails_midway_answers_the_same_request_later(
    department: Department, monkeypatch: pytest.MonkeyPatch
) -> None:
    cut = Cut(monkeypatch, here=False)
    for number in count(1):
        unit = department.unit(f"unit-{number}")
        code = department.invite("post-17", replaces="post-17" in department.fleet.posts())
        cut.steps, cut.at = 0, number
        failed = False
        try:
            enrol_as_the_command_does(department, unit, code)
        except EnrolmentError:
            failed = True
        cut.at = None
        if failed:
            assert unit.post is None
            enrol_as_the_command_does(department, unit, code)
        assert is_whole(department, unit), f"failed at step {number}"
        if cut.steps < number:
            assert number > 8
            break
    names = {one.key for one in department.fleet.ledger.of("post-17")}
    assert len(names) == 1, "whatever was certified on the way is the last unit's own key, or revoked"
