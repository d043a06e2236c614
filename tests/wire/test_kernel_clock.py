import sys

import pytest
from pytest_mock import MockerFixture

from platepost.wire import kernel_clock as kernel
from platepost.wire.kernel_clock import STA_UNSYNC, TIME_ERROR, Timex, clock_quality, from_kernel
from platepost.wire.records import ClockQuality


def timex(**values: int) -> Timex:
    return Timex(**values)


def test_a_disciplined_clock_tells_its_errors_in_seconds() -> None:
    assert from_kernel(0, timex(esterror=412, maxerror=31_000)) == ClockQuality(
        source="kernel", synchronised=True, estimated_error_seconds=0.000412, maximum_error_seconds=0.031
    )


@pytest.mark.parametrize(("state", "status"), [(TIME_ERROR, 0), (0, STA_UNSYNC), (TIME_ERROR, STA_UNSYNC)])
def test_an_undisciplined_clock_claims_no_error(state: int, status: int) -> None:
    quality = from_kernel(state, timex(status=status, esterror=16_000_000, maxerror=16_000_000))
    assert quality == ClockQuality(source="kernel", synchronised=False)


def test_a_leap_second_announced_is_no_fault() -> None:
    assert from_kernel(1, timex()).synchronised


def test_a_kernel_that_does_not_tell_is_unknown(mocker: MockerFixture) -> None:
    mocker.patch.object(kernel, "_adjtimex", side_effect=PermissionError("forbidden"))
    assert clock_quality() == ClockQuality(source="unknown", synchronised=False)


def test_off_linux_it_is_unknown(mocker: MockerFixture) -> None:
    mocker.patch.object(sys, "platform", "win32")
    assert clock_quality().source == "unknown"


@pytest.mark.skipif(sys.platform != "linux", reason="adjtimex exists on Linux only")
def test_this_kernel_answers() -> None:
    assert clock_quality().source in {"kernel", "unknown"}
    state, answer = kernel._adjtimex()
    assert state in range(6)
    assert answer.tick > 0
