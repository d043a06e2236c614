from platepost.device.uplink.properties import PACKAGE_MOST_BYTES, RECEIVE_MOST, connect_properties, will_properties


def test_a_session_outlives_the_connection_for_as_long_as_configured_and_bounds_what_the_broker_sends() -> None:
    said = connect_properties(session_seconds=3600)
    assert said.SessionExpiryInterval == 3600
    assert (said.ReceiveMaximum, said.MaximumPacketSize) == (RECEIVE_MOST, PACKAGE_MOST_BYTES)


def test_a_will_says_nothing_of_a_delay() -> None:
    assert not hasattr(will_properties(), "WillDelayInterval")
