from device.uplink.session import secret_client_id


def test_client_id_is_the_same_after_a_restart_and_another_with_another_key() -> None:
    first = secret_client_id("post-1", bytes(32))
    assert first == secret_client_id("post-1", bytes(32))
    assert first != secret_client_id("post-1", bytes(31) + b"\1")
    assert first.startswith("post-1-")
    assert len(first) == len("post-1-") + 24


def test_client_id_says_nothing_of_the_key() -> None:
    key = bytes(range(32))
    assert key.hex()[:8] not in secret_client_id("post-1", key)
