"""The fixtures of the tests of `device`: whatever a test records keeps the contract here too."""

from tests.device.conftest import contract_kept, small_disk, validators
from tests.device.hotlist.conftest import department

__all__ = ["contract_kept", "department", "small_disk", "validators"]
