import pytest

from tests.device.hotlist.department import Department


@pytest.fixture(scope="session")
def department() -> Department:
    return Department()
