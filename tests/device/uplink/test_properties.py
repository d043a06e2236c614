from platepost.device.uplink.connection import will_properties


def test_a_will_says_nothing_of_a_delay() -> None:
    assert not hasattr(will_properties(), "WillDelayInterval")
