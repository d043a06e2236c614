"""Judging a message on a receipt's topic: whether a custodian signed it, and whether it is for this post."""

from datetime import datetime

from platepost.device.control.keys import SigningKeys
from platepost.device.uplink.inbox import Delivery
from platepost.wire.errors import RefusedError, Rejection
from platepost.wire.jose import open_signed_by, read_payload
from platepost.wire.records import RECEIPT_TYPE, Receipt, Source

LARGEST_RECEIPT = 16 * 1024
"""Bytes of the largest receipt that is looked at: one of 64 ranges takes twelve thousand."""


def open_receipt(delivery: Delivery, keys: SigningKeys | None, *, at: datetime) -> tuple[bytes, str]:
    """Check that a custodian signed a message with a key that is accepted at a moment.

    Returns what it signed, and the key's thumbprint.

    Args:
        delivery: the message, a compact JWS.
        keys: the custodian's; None if no one has vouched for it.
        at: the post's time.

    Raises:
        RefusedError: it is retained, too large, no such JWS, or signed by no one who may.

    """
    message = delivery.payload
    if delivery.retained:
        raise RefusedError(
            Rejection.RETAINED, "the receipt was retained: a receipt states what is held now, so it never is"
        )
    if len(message) > LARGEST_RECEIPT:
        raise RefusedError(Rejection.TOO_LARGE, f"{len(message)} bytes are more than {LARGEST_RECEIPT}")
    if keys is None:
        raise RefusedError(Rejection.UNKNOWN_CUSTODIAN, "no trusted key for this custodian")
    try:
        signed, key = open_signed_by(message, typ=RECEIPT_TYPE, keys=keys.arriving(at))
    except RefusedError as refusal:
        raise keys.named(refusal, message, typ=RECEIPT_TYPE, at=at) from None
    return signed.payload, key.thumbprint()


def read_receipt(payload: bytes, *, source: Source, custodian: str) -> Receipt:
    """Read what a custodian signed; its ranges are not judged.

    Args:
        payload: what was signed.
        source: the post.
        custodian: the last level of the topic, whose key signed.

    Raises:
        RefusedError: it is no receipt, or for another post, or in another custodian's name.

    """
    try:
        receipt = read_payload(payload, Receipt, "receipt")
    except RefusedError as refusal:
        # Which member is wrong is left out: its name may be any text.
        raise RefusedError(refusal.reason, "the signed content is not a receipt", signed=True) from None
    for reason, text, own in (
        (Rejection.FOREIGN_AGENCY, receipt.agency, source.agency),
        (Rejection.OTHER_POST, receipt.post, source.post),
        (Rejection.OTHER_CUSTODIAN, receipt.custodian, custodian),
    ):
        if text != own:
            raise RefusedError(reason, f"the receipt is not for this topic: {reason.value}", signed=True)
    return receipt
