from pathlib import Path

import pytest

from platepost.common.errors import ConfigurationError
from platepost.common.secrets.certificate import certificate


def test_missing_certificate_is_missing_and_not_damaged(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"uplink.certificate = .*: No such file or directory"):
        certificate(tmp_path / "certificate.pem")
    (tmp_path / "certificate.pem").write_text("none")
    with pytest.raises(ConfigurationError, match="not a certificate in PEM"):
        certificate(tmp_path / "certificate.pem")
