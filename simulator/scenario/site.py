"""The environment of a scenario's posts: a throwaway fleet, real brokers with TLS, archive services, hot lists."""

import hashlib
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from threading import Lock

from platepost.device.camera.view import View, Views
from platepost.device.config import Configuration, load
from platepost.provisioning.fleet.post_file import Setting
from platepost.provisioning.hotlist.build import build_package
from platepost.provisioning.trust.certificates import Issuance
from platepost.provisioning.trust.keys import private_pem
from platepost.simulator.brokers.daemon import hold_port
from platepost.simulator.brokers.mosquitto import Broker
from platepost.simulator.ground.chance import Chance, sealing
from platepost.simulator.ground.dispatchers import HitDecision
from platepost.simulator.ground.proxy import Proxy
from platepost.simulator.ground.site import Site, throwaway_fleet
from platepost.simulator.ground.subscriber import Arrival
from platepost.simulator.scenario.camera import ScenarioCamera
from platepost.simulator.scenario.clips import FOOTAGE, Stretch, empty_road, find_stretch
from platepost.simulator.scenario.custodian import ScenarioCustodian
from platepost.simulator.scenario.department import DepartmentCustodian
from platepost.simulator.scenario.description import Scenario
from platepost.simulator.scenario.events import DispatcherDecides
from platepost.simulator.scenario.harness import Harness
from platepost.simulator.scenario.lists import ListDescription
from platepost.simulator.scenario.scheduler import Scheduler

AGENCY = "scenario"
RECORDER = "records"
"""The subscriber that stores every record that arrives."""
DRAIN_SECONDS = 15.0
ISSUER = "department of the scenario"
FLEET_CREATED = datetime(2026, 1, 1, tzinfo=UTC)
CERTIFICATE_VALIDITY = timedelta(days=100 * 365)
"""Certificates are valid in simulated time and in real time, which the brokers check."""


class ScenarioConfiguration(Configuration):
    """A post's configuration. Its digest does not depend on the run's folder and ports."""

    @property
    def digest(self) -> str:
        """The digest with folder and ports removed."""
        text = self.model_dump_json()
        text = text.replace(str(self.outbox.path.parent.parent), "").replace("localhost:", "")
        text = re.sub(r'"brokers":\[[^\]]*\]', f'"brokers":{len(self.uplink.brokers)}', text)
        return hashlib.sha256(text.encode()).hexdigest()


class ScenarioSite(Site[Broker]):
    """The environment of one run: a context manager that runs it while open."""

    def __init__(
        self, scenario: Scenario, scheduler: Scheduler, *, folder: Path, scenario_folder: Path, seed: int
    ) -> None:
        """Create the fleet; nothing runs yet.

        Args:
            scenario: the scenario to play.
            scheduler: the source of simulated time.
            folder: where all files are created.
            scenario_folder: the folder of the scenario file, which may have clips.
            seed: the seed of all random values.

        """
        # The same seed gives the same keys.
        issuance = Issuance(Chance("fleet", seed).key, now=lambda: FLEET_CREATED, valid=CERTIFICATE_VALIDITY)
        fleet = throwaway_fleet(folder / "fleet", agency=AGENCY, subscribers=(RECORDER,), issuance=issuance)
        super().__init__(folder, fleet)
        self.custodians: list[ScenarioCustodian | DepartmentCustodian] = []
        for number in range(1, scenario.custodians + 1):
            fleet.add_custodian(f"custodian-{number}", required=True)
        self.scenario = scenario
        self.scheduler = scheduler
        self.harnesses: dict[str, Harness] = {}
        self.arrivals: list[tuple[int, Arrival]] = []
        """Every record that arrived, with the index of the broker that delivered it first."""
        self.decisions: list[tuple[float, HitDecision]] = []
        """Dispatchers' decisions, with their times."""
        self.published_digest: str | None = None
        """SHA-256 of the list that was published last."""
        self._scenario_folder = scenario_folder
        self._seed = seed
        self._ids: set[str] = set()
        self._lock = Lock()

    def configuration(self, post: str) -> Configuration:
        """Return a post's configuration.

        Raises:
            ConfigurationError: the scenario's settings are invalid.

        """
        return ScenarioConfiguration.model_construct(**dict(load(self.fleet.post(post) / "post.toml")))

    def publish_list(self, description: ListDescription) -> None:
        """Publish a list at every broker that runs, retained."""
        package = self.package(description)
        self.publish(package)
        self.published_digest = hashlib.sha256(package).hexdigest()

    def package(self, description: ListDescription) -> bytes:
        """Build a list for the current simulated time, with the described defect."""
        built = self.scheduler.utc() - timedelta(seconds=description.age)
        chance = Chance("seal", self._seed, description.version, description.defect, built)
        with sealing(chance):
            signing_key = self.fleet.list_signing_key.read_bytes()
            if description.defect == "forged":
                signing_key = private_pem(Chance("stranger", self._seed).key())
            package = build_package(
                description.rows(),
                agency="elsewhere" if description.defect == "foreign" else AGENCY,
                issuer=ISSUER,
                version=description.version,
                signing_key=signing_key,
                post_keys=[self.fleet.recipient_key(post).read_bytes() for post in self.fleet.posts()],
                built=built,
                chance=chance.bytes,
            )
        if description.defect == "truncated":
            return package[: len(package) * 2 // 3]
        if description.defect == "unsigned":
            head, _, body = package.partition(b"\n")
            header, payload, _ = head.split(b".")  # a JWS in compact form
            return b".".join((header, payload, b"")) + b"\n" + body
        return package

    @property
    def department(self) -> DepartmentCustodian:
        """The department. Raises ValueError if the scenario has none."""
        (department,) = (custodian for custodian in self.custodians if isinstance(custodian, DepartmentCustodian))
        return department

    # --- setup

    def _make(self) -> None:
        for number in range(1, self.scenario.brokers + 1):
            # The port stays reserved while the broker is down.
            port = self._stack.enter_context(hold_port()).getsockname()[1]
            self.brokers.append(Broker(self.fleet, self.directory / f"broker-{number}", port=port))
        for description in self.scenario.posts:
            proxies = tuple(self.proxy(broker) for broker in self.brokers)
            for proxy in proxies:
                proxy.stall()  # until its software has started: see `EventRunner.let_in`
            self.add_post(
                description.name,
                through=proxies,
                site=description.site,
                camera="scenario",
                board="virtual",
                more=_with_defaults(description.settings),
            )
            self.harnesses[description.name] = self._harness(description.name, proxies)
        for description in self.scenario.posts:
            self.harnesses[description.name].set_clock(
                description.clock_offset, synchronised=description.clock_synchronised
            )
            self.configuration(description.name)  # raises ConfigurationError early
            if description.accepted_view is not None:
                self._accept(description.name, description.accepted_view)
        super()._make()
        for name in self.fleet.custodians():
            custodian = self._custodian(name)
            self._stack.callback(custodian.close)
            custodian.start()
            self.custodians.append(custodian)
        for number, broker in enumerate(self.brokers):
            archive = self.directory / f"records-{number + 1}.jsonl"
            self.keep(RECORDER, archive, broker=broker.address, listener=partial(self._arrived, number))

    def _custodian(self, name: str) -> ScenarioCustodian | DepartmentCustodian:
        if self.scenario.department:
            people = {event.person for event in self.scenario.events if isinstance(event, DispatcherDecides)}
            log = self.directory / f"{name}.log"
            return DepartmentCustodian(self.fleet, name, self.brokers, log, dispatchers=sorted(people))
        return ScenarioCustodian(self.fleet, name, self.brokers, self.directory / name)

    def _harness(self, name: str, proxies: tuple[Proxy, ...]) -> Harness:
        stretches = [
            find_stretch(clip.clip, self._scenario_folder, at=clip.at, start=clip.start, end=clip.end)
            for clip in self.scenario.traffic
            if clip.post in {None, name}
        ]
        traffic = tuple(sorted(stretches, key=lambda stretch: stretch.at))
        empty = Stretch(FOOTAGE / "pass.mp4", at=0.0, start=0.0, end=0.0, truth=None)
        background = traffic[-1] if traffic else empty
        camera = ScenarioCamera(self.scheduler, name, traffic, road=background, leap=self.scenario.leap)
        return Harness(
            name=name,
            scheduler=self.scheduler,
            camera=camera,
            proxies=proxies,
            chance=Chance(self._seed, name),
            chained=Chance(self._seed, name, "chained"),
            unchained=Chance(self._seed, name, "unchained"),
        )

    def _accept(self, post: str, clip: str) -> None:
        road = empty_road(find_stretch(clip, self._scenario_folder).path)
        view = View.of(road.gray, accepted=self.scheduler.utc(), accepted_by="technician")
        Views(day=view).save(self.configuration(post).outbox.path.parent)

    def _arrived(self, number: int, arrival: Arrival) -> None:
        identifier = str(arrival.event.get("id"))
        with self._lock:
            if identifier not in self._ids:
                self._ids.add(identifier)
                self.arrivals.append((number, arrival))

    def missing(self, identifiers: set[str]) -> set[str]:
        """Return which of these records have not arrived."""
        with self._lock:
            return identifiers - self._ids


def _with_defaults(further: Mapping[str, Mapping[str, Setting]]) -> dict[str, dict[str, Setting]]:
    settings: dict[str, dict[str, Setting]] = {
        "uplink": {"reconnect_seconds": 0.2, "drain_seconds": DRAIN_SECONDS},
    }
    for section, keys in further.items():
        settings.setdefault(section, {}).update(keys)
    return settings
