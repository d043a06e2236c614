"""A NATS that was killed in the wrong moment, and how it is started again."""

import shutil
import time
from pathlib import Path

import pytest

from tests.conformance.stands import make, wait_for

pytestmark = pytest.mark.end_to_end


def test_subscribers_go_on_where_the_server_forgot_how_many_messages_there_were(tmp_path: Path) -> None:
    stand = make("nats", tmp_path)
    stand.broker.start()
    try:
        with stand.post() as post:
            keeper = stand.keeper(post)
            with post.uplink(on_connected=post.birth) as uplink:
                wait_for(lambda: uplink.state().connected, what="a connection")
                before = {post.audit(number).id for number in range(20)}
                wait_for(lambda: before <= set(keeper.ids), what="the records before")
                time.sleep(2.5)  # the subscribers' acknowledgements are on disk by then
                stand.broker.kill()
                # As a kill leaves it between the end of one file of messages and the beginning of the next.
                messages = tmp_path / "nats/state/jetstream/$G/streams/$MQTT_msgs/msgs"
                assert list(messages.iterdir())
                shutil.rmtree(messages)
                messages.mkdir()
                stand.broker.start()
                after = {post.audit(number).id for number in range(8)}
                wait_for(lambda: after <= set(keeper.ids), what="the records after")
        assert " is ahead of stream's last sequence" not in stand.broker.log.read_text()
    finally:
        stand.end_clients()
        stand.broker.stop()
