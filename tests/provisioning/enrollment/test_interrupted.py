"""Enrollment that is cut off at every step, on the unit and in the office: the same command again ends it cleanly."""

import http.client
import os
import shutil
import threading
from collections.abc import Callable
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509

from platepost.device import config
from platepost.device.enrollment.keyfiles import read_key_file
from platepost.device.enrollment.unit import UnitEnrollment
from platepost.provisioning.enrollment import connection_limiter
from platepost.provisioning.fleet import broker_reload
from platepost.provisioning.fleet.fleet import Fleet
from platepost.provisioning.people.acts import ActLog
from platepost.provisioning.trust.ledger import CertificateLedger
from platepost.wire.enrollment.errors import EnrollmentError
from platepost.wire.records import Role
from tests.provisioning.enrollment.conftest import Department, open_office


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
        more = ((CertificateLedger, "_append"),) if not here else ()
        for owner, name in (*self.STEPS, *more):
            monkeypatch.setattr(owner, name, self.watched(getattr(owner, name)))

    def watched(self, real: Callable[..., Any]) -> Callable[..., Any]:
        def step(*arguments: Any, **named: Any) -> Any:
            if (threading.get_ident() == self._own) != self._here:
                return real(*arguments, **named)
            self.steps += 1
            if self.steps == self.at:
                raise PowerCutError if self._here else OSError("the office's power fails")
            return real(*arguments, **named)

        return step


def enroll_as_the_command_does(department: Department, unit: UnitEnrollment, code: str) -> None:
    if unit.post is not None and unit.pending() is None:
        unit.tidy()
        return
    unit.begin("post-17")
    if not unit.go_on():
        department.enroll(unit, "post-17", code)


def is_whole(department: Department, unit: UnitEnrollment) -> bool:
    read = config.load(unit.directory / "post.toml")
    leaf = x509.load_pem_x509_certificate(read.uplink.certificate.read_bytes())
    own = read_key_file(read.uplink.private_key).public_key()
    issued = x509.load_pem_x509_certificate((department.fleet.post("post-17") / "certificate.pem").read_bytes())
    left = [path for path in unit.directory.iterdir() if path.name not in {"keys", "state"} and path.name[0] == "."]
    half = [*unit.directory.rglob("*.new"), *unit.directory.rglob("*.part")]
    return leaf.public_key() == own == issued.public_key() and not left and not half and unit.post == "post-17"


def test_unit_goes_on_where_it_was_whenever_the_power_fails(
    department: Department, monkeypatch: pytest.MonkeyPatch
) -> None:
    cut = Cut(monkeypatch, here=True)
    for number in count(1):
        unit = department.unit(f"unit-{number}")
        code = department.invite("post-17", replaces="post-17" in department.fleet.posts())
        cut.steps, cut.at = 0, number
        try:
            enroll_as_the_command_does(department, unit, code)
        except PowerCutError:
            cut.at = None
            assert (unit.post is None) == (not (unit.directory / "post.toml").exists())
            enroll_as_the_command_does(department, unit, code)
        else:
            cut.at = None
            assert number > 20, "there are more steps than that"
            break
        assert is_whole(department, unit), f"cut at step {number}"
    assert len(department.fleet.certificates.of("post-17")) == 1


def test_unit_takes_everything_back_wherever_it_was_cut_off(
    department: Department, monkeypatch: pytest.MonkeyPatch
) -> None:
    cut = Cut(monkeypatch, here=True)
    code = department.invite("post-17")
    for number in range(1, 40, 3):
        unit = department.unit(f"unit-{number}")
        cut.steps, cut.at = 0, number
        with pytest.raises((PowerCutError, EnrollmentError)):  # the code is used up by the first that came so far
            enroll_as_the_command_does(department, unit, code)
        cut.at = None
        if unit.post is not None:
            break
        unit.abandon()
        left = [path for path in unit.directory.rglob("*") if path.is_file()] if unit.directory.exists() else []
        assert left == [], f"cut at step {number}"


@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize("taken_back", [False, True])
def test_power_that_fails_while_what_is_over_is_deleted_leaves_nothing_half_under_way(
    department: Department, monkeypatch: pytest.MonkeyPatch, *, taken_back: bool, backwards: bool
) -> None:
    unit, code = department.unit("unit"), department.invite("post-17")
    real = shutil.rmtree

    def cut(folder: Path, *arguments: Any, **named: Any) -> None:
        files = sorted(folder.iterdir(), reverse=backwards) if folder.exists() else []
        for path in files[: len(files) // 2]:
            path.unlink()
        if files:
            raise PowerCutError
        real(folder, *arguments, **named)

    end: Callable[[], object] = unit.abandon
    if not taken_back:
        end = partial(enroll_as_the_command_does, department, unit, code)
    if taken_back:
        unit.begin("post-17")
    monkeypatch.setattr(shutil, "rmtree", cut)
    with pytest.raises(PowerCutError):
        end()
    monkeypatch.setattr(shutil, "rmtree", real)
    enroll_as_the_command_does(department, unit, code)
    assert unit.abandon() is False
    assert is_whole(department, unit)


def test_office_that_fails_midway_answers_the_same_request_later(
    department: Department, monkeypatch: pytest.MonkeyPatch
) -> None:
    cut = Cut(monkeypatch, here=False)
    told: list[str] = []
    monkeypatch.setattr(department.registration, "_announce", cut.watched(lambda: told.append("announce")))
    monkeypatch.setattr(department.registration, "_reload", cut.watched(lambda: told.append("reload")))
    monkeypatch.setattr(ActLog, "append", cut.watched(ActLog.append))
    for number in count(1):
        unit = department.unit(f"unit-{number}")
        replaces = "post-17" in department.fleet.posts()
        code = department.invite("post-17", replaces=replaces)
        acts = len(department.acts())
        told.clear()
        cut.steps, cut.at = 0, number
        failed = False
        try:
            enroll_as_the_command_does(department, unit, code)
        except EnrollmentError:
            failed = True
        cut.at = None
        if failed:
            assert unit.post is None
            enroll_as_the_command_does(department, unit, code)
        assert is_whole(department, unit), f"failed at step {number}"
        call, act = ("reload", "post_replaced") if replaces else ("announce", "post_enrolled")
        assert call in told, f"failed at step {number}, and the broker knows nothing of it"
        assert (act, "post-17", None) in department.acts()[acts:], (
            f"failed at step {number}, and no act of it is logged"
        )
        if cut.steps < number:
            assert number > 8
            break
    names = {one.key for one in department.fleet.certificates.of("post-17")}
    assert len(names) == 1, "whatever was certified on the way is the last unit's own key, or revoked"


def test_broker_that_cannot_be_told_is_told_by_the_same_request_later(tmp_path: Path) -> None:
    fleet = Fleet.create(tmp_path / "fleet", agency="riverside")
    fleet.add_operator("j-stone", Role.ADMINISTRATOR)
    fleet.add_operator("r-alvarez", Role.TECHNICIAN)
    broken = tmp_path / "broken"
    with open_office(fleet, tmp_path, reload=f"test ! -e {broken}") as department:
        department.enroll(department.unit("old"), "post-17", department.invite("post-17"))
        (before,) = fleet.certificates.of("post-17")
        code = department.invite("post-17", replaces=True)
        unit = department.unit("new")
        broken.touch()
        for _ in range(2):
            with pytest.raises(EnrollmentError, match="the broker was not reloaded"):
                department.enroll(unit, "post-17", code)
        broken.unlink()
        department.enroll(unit, "post-17", code)
    acts = [act for act in fleet.acts if act.action == "post_replaced"]
    assert [(act.outcome, act.reason) for act in acts] == [("failure", "broker_not_told")] * 2 + [("success", None)]
    assert {str(act.details["revoked"]) for act in acts} == {str([f"{before.serial:x}"])}


def test_unit_waits_longer_than_it_may_take_to_tell_the_broker(
    department: Department, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits, answered = [], http.client.HTTPConnection.getresponse

    def watched(connection: http.client.HTTPConnection) -> http.client.HTTPResponse:
        waits.append(connection.sock.gettimeout())
        return answered(connection)

    monkeypatch.setattr(http.client.HTTPConnection, "getresponse", watched)
    department.enroll(department.unit("unit"), "post-17", department.invite("post-17"))
    _authorities, enrolled, _configuration = waits
    assert broker_reload.SECONDS < enrolled < connection_limiter.ANSWER_SECONDS


def test_office_that_failed_twice_midway_still_answers_the_same_request(
    department: Department, monkeypatch: pytest.MonkeyPatch
) -> None:
    department.enroll(department.unit("old"), "post-17", department.invite("post-17"))
    unit, code = department.unit("new"), department.invite("post-17", replaces=True)
    with monkeypatch.context() as early:

        def fail(*_: object, **__: object) -> None:
            raise OSError

        early.setattr(department.fleet, "revoke_certificates", fail)
        with pytest.raises(EnrollmentError):
            department.enroll(unit, "post-17", code)
    with monkeypatch.context() as late:
        late.setattr(department.registration, "_reload", fail)
        with pytest.raises(EnrollmentError):
            department.enroll(unit, "post-17", code)
    department.enroll(unit, "post-17", code)
    assert is_whole(department, unit)
    assert len(department.fleet.certificates.of("post-17")) == 1
