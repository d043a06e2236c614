"""What is made of messages that anybody may have written."""

import pytest

from provisioning.connection import data_of


@pytest.mark.parametrize("payload", [b"", b"[]", b"{}", b'{"data": 1}', b"[" * 30_000])
def test_what_is_no_event_has_no_data(payload: bytes) -> None:
    assert data_of(payload) == {}
