"""A department with an administrator, a technician, and an office that units reach on loopback."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from platepost.device.enrollment.unit import UnitEnrollment
from platepost.provisioning.enrollment.registration import RegistrationAuthority
from platepost.provisioning.enrollment.server import EnrollmentServer, server
from platepost.provisioning.fleet.broker_reload import announce, reload_broker
from platepost.provisioning.fleet.fleet import Fleet
from platepost.provisioning.fleet.post_file import PostSettings
from platepost.provisioning.people.person import Person
from platepost.simulator.brokers.daemon import free_port
from platepost.wire.enrollment.est import EstClient
from platepost.wire.records import Role

SECONDS = 60.0


@dataclass
class Department:
    """A fleet and its open office."""

    fleet: Fleet
    registration: RegistrationAuthority
    port: int
    directory: Path
    serving: EnrollmentServer

    @property
    def address(self) -> EstClient:
        return EstClient(f"localhost:{self.port}")

    def invite(
        self,
        post: str,
        *,
        technician: str = "r-alvarez",
        valid: timedelta = timedelta(hours=1),
        replaces: bool = False,
        now: datetime | None = None,
    ) -> str:
        """Issue a code."""
        settings = PostSettings(brokers=("localhost:8883",), camera="footage", camera_settings={"path": "clip.mp4"})
        secret, _ = self.registration.codes.issue(
            post,
            technician=technician,
            issued_by="j-stone",
            purpose="work order 7731",
            valid=valid,
            replaces=replaces,
            settings=asdict(settings),
            now=now,
        )
        return secret

    def unit(self, name: str) -> UnitEnrollment:
        """Give a bare unit."""
        return UnitEnrollment(self.directory / name)

    def enroll(self, unit: UnitEnrollment, post: str, code: str) -> None:
        """Do what the command does."""
        unit.begin(post)
        ca, _ = self.address.authorities(post, code)
        unit.take_certificate(self.address.enroll(post, code, unit.request, ca=ca), ca=ca)
        unit.install(self.address.configuration(post, code, ca=ca))

    def acts(self) -> list[tuple[str, str | None, str | None]]:
        """Return act, object and reason of everything that was logged."""
        return [(act.action, act.object, act.reason) for act in self.fleet.acts]


@contextmanager
def open_office(
    fleet: Fleet, directory: Path, *, keeper: str = "j-stone", reload: str | None = None
) -> Iterator[Department]:
    """Serve a fleet on loopback; `reload` is the command that tells the broker, where there is one."""
    port = free_port()
    person = Person.load(fleet.operator(keeper))
    registration = RegistrationAuthority(
        fleet,
        person,
        purpose="enrollment",
        address=f"localhost:{port}",
        announce=lambda: announce(fleet, reload),
        reload=lambda: reload_broker(fleet, reload),
    )
    serving = server(fleet, registration, names=("localhost", "127.0.0.1"), address="127.0.0.1", port=port)
    thread = threading.Thread(target=serving.run)
    thread.start()
    try:
        deadline = time.monotonic() + SECONDS
        while not serving.started:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        yield Department(fleet, registration, port, directory, serving)
    finally:
        serving.should_exit = True
        thread.join(SECONDS)


@pytest.fixture
def department(tmp_path: Path) -> Iterator[Department]:
    fleet = Fleet.create(tmp_path / "fleet", agency="riverside")
    fleet.add_operator("j-stone", Role.ADMINISTRATOR)
    fleet.add_operator("r-alvarez", Role.TECHNICIAN)
    with open_office(fleet, tmp_path) as department:
        yield department
