"""What stands around the post in the demonstration: a throw-away fleet, its broker, its hot list and a subscriber."""

from pathlib import Path

from provisioning.connection import publish_hot_list
from provisioning.fleet.fleet import Fleet
from provisioning.fleet.post_file import PostSettings
from simulator.brokers.mosquitto import Broker
from simulator.demo.clip import DemoClip
from simulator.demo.hot_list import build_hot_list
from simulator.errors import DemoError
from simulator.ground.folder import claimed
from simulator.ground.premises import Premises
from simulator.ground.subscriber import Subscriber

AGENCY = "demo"
POST = "post-1"
SUBSCRIBER = "dispatch"


class Stage(Premises):
    """Everything but the post, made anew in one folder; as a context manager, running while it is open."""

    def __init__(self, directory: Path, clip: DemoClip) -> None:
        """Keep what is wanted; nothing is made yet."""
        super().__init__()
        self.directory = directory.absolute()
        self._clip = clip

    @property
    def post_configuration(self) -> Path:
        """The configuration of the post."""
        return self.fleet.post(POST) / "post.toml"

    def _make(self) -> None:
        self._stack.enter_context(
            claimed(self.directory, mark=".platepost-demo", whose="a demonstration's", error=DemoError)
        )
        self.fleet = Fleet.create(self.directory / "fleet", agency=AGENCY)
        self.fleet.add_subscriber(SUBSCRIBER)
        self.broker = Broker(self.fleet, self.directory / "broker")
        self.fleet.add_post(
            POST,
            PostSettings(
                brokers=(self.broker.address,),
                site="Demonstration street",
                camera="footage",
                camera_settings={"path": str(self._clip.footage), "pace": "realtime"},
                board="virtual",
                more={"records": {"health_seconds": 1.0, "read_overview": True}},
            ),
        )
        self.hot_list = build_hot_list(self._clip, self.fleet)
        self._stack.enter_context(self.broker)
        self.subscriber = self._stack.enter_context(
            Subscriber(
                self.fleet.subscriber(SUBSCRIBER),
                agency=AGENCY,
                broker=self.broker.address,
                archive=self.directory / "records.jsonl",
            )
        )
        publish_hot_list(
            self.hot_list.package, agency=AGENCY, identity=self.fleet.publisher, broker=self.broker.address
        )
