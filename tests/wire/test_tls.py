import socket
import ssl
from pathlib import Path

import pytest

from platepost.device.uplink.settings import UplinkSettings
from platepost.wire.tls import IdentityError, connection_problem, tls_context, tls_problem


def verification(code: int) -> ssl.SSLCertVerificationError:
    error = ssl.SSLCertVerificationError(1, "certificate verify failed")
    error.verify_code = code
    return error


@pytest.mark.parametrize(
    ("error", "name"),
    [
        (IdentityError("x"), "identity_unreadable"),
        (ssl.SSLCertVerificationError(1, "self-signed"), "broker_certificate_refused"),
        (verification(10), "broker_certificate_expired"),
        (verification(9), "broker_certificate_not_yet_valid"),
        (verification(62), "broker_certificate_of_another_name"),
        (verification(18), "broker_certificate_refused"),
        (ssl.SSLError(1, "[SSL: TLSV1_ALERT_PROTOCOL_VERSION] tlsv1 alert protocol version"), "tls_version_refused"),
        (ssl.SSLError(1, "[SSL: TLSV13_ALERT_CERTIFICATE_REQUIRED]"), "client_certificate_refused"),
        (ssl.SSLError(1, "[SSL: TLSV1_ALERT_UNKNOWN_CA]"), "client_certificate_refused"),
        (ssl.SSLError(1, "[SSL: SSLV3_ALERT_CERTIFICATE_EXPIRED]"), "client_certificate_expired"),
        (ssl.SSLError(1, "anything"), "tls_failed"),
        (socket.gaierror(-2, "unknown"), "name_unresolved"),
        (TimeoutError(), "timeout"),
        (ConnectionRefusedError(), "connection_refused"),
        (OSError("no route"), "unreachable"),
    ],
)
def test_problems_have_names(error: Exception, name: str) -> None:
    assert connection_problem(error) == name


def test_alerts_have_names() -> None:
    assert tls_problem("failed to receive on socket: [SSL: TLSV13_ALERT_CERTIFICATE_REQUIRED]") == (
        "client_certificate_refused"
    )


def test_missing_files_are_named(tmp_path: Path) -> None:
    absent = tmp_path / "absent.pem"
    settings = UplinkSettings(brokers=("b:1",), ca=absent, certificate=absent, private_key=absent)
    with pytest.raises(IdentityError):
        tls_context(settings)
