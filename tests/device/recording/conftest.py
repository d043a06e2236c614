from datetime import UTC, datetime, timedelta

import cv2
import numpy as np
import pytest
from joserfc.jwk import ECKey

from platepost.device.frame import Frame
from platepost.wire.hotlist.package import load_key


@pytest.fixture(scope="session")
def pem() -> bytes:
    return ECKey.generate_key("P-256").as_pem(private=True)


@pytest.fixture(scope="session")
def key(pem: bytes) -> ECKey:
    return load_key(pem, private=True)


def make_frame(number: int, *, colors: bool = True, small: bool = False) -> Frame:
    """A frame of noise, which no codec that loses anything gives back."""
    noise = np.random.default_rng(number)
    gray = noise.integers(0, 256, (36, 64), dtype=np.uint8)
    bgr = noise.integers(0, 256, (36, 64, 3), dtype=np.uint8) if colors else cv2.cvtColor(gray, cv2.COLOR_GRAY2BGR)
    return Frame(
        number=number,
        captured=datetime(2026, 3, 1, 12, tzinfo=UTC) + timedelta(microseconds=50_001 * number + 7),
        monotonic=1234.1 + number / 19.97,
        gray=gray,
        color=lambda: bgr,
        small=gray[::2, ::2].copy() if small else None,
    )


def same(one: Frame, other: Frame, *, colors: bool = True) -> bool:
    facts = [(f.number, f.captured, f.monotonic) for f in (one, other)]
    pictures = [(one.gray, other.gray)]
    if colors:
        pictures.append((one.color(), other.color()))
    if one.small is not None or other.small is not None:
        assert one.small is not None
        assert other.small is not None
        pictures.append((one.small, other.small))
    return facts[0] == facts[1] and all(np.array_equal(a, b) and a.dtype == b.dtype for a, b in pictures)
