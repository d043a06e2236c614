"""That a post is held to its rights, as an acceptance asks: against real brokers."""

import pytest

from platepost.device.config import load
from platepost.technician.accept import unit as module
from platepost.technician.accept.unit import refused, rights
from platepost.wire.records import Source
from tests.conformance.stands import AGENCY, Stand

pytestmark = pytest.mark.end_to_end


def test_what_belongs_to_others_is_refused_and_the_own_is_not(stand: Stand) -> None:
    post = stand.fleet.posts()[0]
    configuration = load(stand.fleet.post(post) / "post.toml")
    uplink = configuration.uplink.model_copy(update={"brokers": (stand.broker.addresses[0],)})
    configuration = configuration.model_copy(update={"uplink": uplink})
    (said,) = rights(configuration)
    assert said.good, said
    assert not refused(configuration, Source(AGENCY, post).topic("audit"))


def test_a_broker_that_refuses_nothing_is_found_out(stand: Stand, monkeypatch: pytest.MonkeyPatch) -> None:
    post = stand.fleet.posts()[0]
    configuration = load(stand.fleet.post(post) / "post.toml")
    uplink = configuration.uplink.model_copy(update={"brokers": (stand.broker.addresses[0],)})
    # What is its own stands for what is not: the broker lets it write that.
    monkeypatch.setattr(module, "NEIGHBOR", post)
    (said,) = rights(configuration.model_copy(update={"uplink": uplink}))
    assert not said.good
    assert "lets it write" in said.said
