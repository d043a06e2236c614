"""Everything that stands on the desk: a throw-away fleet with its department, its broker and its posts.

The page drives the desk, and hears how the posts are as any subscriber of the broker does. Hits are for the
department's own console.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from platepost.device.backends import CameraAddress
from platepost.device.camera.footage.recordings import open_recording
from platepost.simulator.brokers.mosquitto import Broker
from platepost.simulator.demo.clip import DemoClip
from platepost.simulator.ground.console import DepartmentConsole
from platepost.simulator.ground.department import ThrowawayDepartment, department_folder
from platepost.simulator.ground.proxy import Proxy
from platepost.simulator.ground.site import Site, throwaway_fleet
from platepost.simulator.ground.subscriber import Arrival
from platepost.simulator.live.feed import Feed
from platepost.simulator.live.lists import HotLists
from platepost.simulator.live.page_events import told
from platepost.simulator.live.posts import LivePost, place_of
from platepost.simulator.live.town import write_town

AGENCY = "desk"
SUBSCRIBER = "dispatch"
CUSTODIAN = "records"
HEALTH_SECONDS = 2.0
LONGEST_REPEAT_SECONDS = 10.0
"""As a post in the field has it."""
REMEMBERED = 500
"""Arrivals that the subscriber keeps in memory; all of them are in its archive."""


class Desk(Site[Broker]):
    """The whole system in one folder that is empty; as a context manager, running while it is open."""

    def __init__(self, directory: Path, clips: Sequence[DemoClip | CameraAddress], feed: Feed) -> None:
        """Make the fleet; nothing runs yet. Each clip or camera is what one post looks at."""
        fleet = throwaway_fleet(directory / "fleet", agency=AGENCY, subscribers=(SUBSCRIBER,), custodian=CUSTODIAN)
        super().__init__(directory, fleet, Broker(fleet, directory / "broker"))
        self.feed = feed
        self.posts: dict[str, LivePost] = {}
        self.networks: dict[str, Proxy] = {}
        self._clips = tuple(clips)
        self._connected = False
        self._pace = (1.0, False)

    def _make(self) -> None:
        super()._make()
        for number, clip in enumerate(self._clips, start=1):
            self._add_live_post(f"post-{number}", clip)
        self.lists = HotLists(self.fleet, self.broker.address)
        self.first_list = self.lists.begin([clip for clip in self._clips if isinstance(clip, DemoClip)])
        self.department = ThrowawayDepartment(
            self._stack.enter_context(department_folder()),
            self.fleet,
            CUSTODIAN,
            brokers=[self.broker.address],
            log=self.directory / "keeper.log",
        )
        self.department.initialize()
        write_town(self.department.folder, [*self.posts])
        self._stack.enter_context(self.department)
        pages = DepartmentConsole(self.department.folder, self.directory / "pages.log")
        self.console = self._stack.enter_context(pages)
        self.keep(
            SUBSCRIBER,
            self.directory / "records.jsonl",
            listener=self._arrived,
            remember=REMEMBERED,
            on_connection=self._listens,
        )
        self._stack.callback(self._stop_posts)

    def start(self) -> None:
        """Give every post power, once someone hears what is told."""
        for post in self.posts.values():
            post.start()
        self.publish_state()

    def _add_live_post(self, name: str, clip: DemoClip | CameraAddress) -> None:
        network = self.networks[name] = self.proxy()
        if isinstance(clip, CameraAddress):
            footage, place = None, clip.place
            camera = clip.backend
            settings = clip.settings
            repeat_seconds = LONGEST_REPEAT_SECONDS
        else:
            footage, place = clip.footage, place_of(clip.footage)
            camera, settings = "footage", {"path": str(footage), "loop": True}
            repeat_seconds = _repeat_seconds(clip)
        folder = self.add_post(
            name,
            through=(network,),
            site=place,
            camera=camera,
            camera_settings=settings,
            board="virtual",
            more={
                "records": {"health_seconds": HEALTH_SECONDS, "read_overview": True},
                "passages": {"repeat_seconds": repeat_seconds},
                "uplink": {"reconnect_seconds": 0.5, "drain_seconds": 5.0},
            },
        )
        post = LivePost(name, folder / "post.toml", footage, place=place, log=self.directory / f"{name}.log")
        post.changed = self.publish_state
        self.posts[name] = post

    def _stop_posts(self) -> None:
        for network in self.networks.values():
            network.up()
        for post in self.posts.values():
            post.changed = lambda: None
            post.stop()
        for post in self.posts.values():
            post.join()

    # --- what can be done to it

    def press_tamper(self, post: str, *, opened: bool) -> None:
        """Open or close the case of a post."""
        self.posts[post].press_tamper(opened=opened)
        self.publish_state()

    def switch_power(self, post: str, *, on: bool) -> None:
        """Give a post power, or cut it at any moment."""
        (self.posts[post].start if on else self.posts[post].cut_power)()
        self.publish_state()

    def switch_network(self, post: str, *, connected: bool) -> None:
        """Cut or mend the line between a post and the broker."""
        (self.networks[post].up if connected else self.networks[post].down)()
        self.publish_state()

    def switch_broker(self, *, running: bool) -> None:
        """Stop or start the broker.

        Raises:
            BrokerError: it does not start.

        """
        (self.broker.start if running else self.broker.stop)()
        self.publish_state()

    def set_pace(self, *, factor: float, paused: bool) -> None:
        """Have the streets of all posts go faster or slower, or stand still."""
        self._pace = (factor, paused)
        for post in self.posts.values():
            post.set_pace(factor=factor, paused=paused)
        self.publish_state()

    def state(self) -> dict[str, Any]:
        """Return how everything on the desk stands, for the page."""
        factor, paused = self._pace
        return {
            "kind": "desk",
            "broker": self.broker.running,
            "connected": self._connected,
            "factor": factor,
            "paused": paused,
            "posts": {
                name: {
                    "power": post.powered,
                    "network": self.networks[name].listening,
                    "tamper": post.tamper,
                    "board": post.board,
                    "failure": post.failure,
                }
                for name, post in self.posts.items()
            },
        }

    def publish_state(self) -> None:
        """Tell the page how everything stands."""
        self.feed.state("desk", self.state())

    def _listens(self, *, connected: bool) -> None:
        self._connected = connected
        self.publish_state()

    def _arrived(self, arrival: Arrival) -> None:
        event = told(arrival)
        if event is None:
            return
        if event["kind"] == "audit":
            self.feed.happen(event)
        else:
            self.feed.state(f"{event['kind']} {event['post']}", event)


def _repeat_seconds(clip: DemoClip) -> float:
    """Say within what time a vehicle is the same again: footage that is played over and over brings all again."""
    recording = open_recording(clip.footage)
    seconds = recording.count() * recording.frame_seconds()
    return min(LONGEST_REPEAT_SECONDS, seconds / 2) if seconds else LONGEST_REPEAT_SECONDS
