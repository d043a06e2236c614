"""Why a connection to a broker could not be made, in words for a technician."""

from platepost.common.language import Phrase

PROBLEMS = {
    "broker_certificate_expired": Phrase("the broker's certificate has expired: is this unit's clock right?"),
    "broker_certificate_not_yet_valid": Phrase(
        "the broker's certificate is not valid yet: is this unit's clock right?"
    ),
    "broker_certificate_of_another_name": Phrase("the broker's certificate is for another name"),
    "broker_certificate_refused": Phrase("the broker's certificate is not from the department"),
    "client_certificate_expired": Phrase("the post's certificate has expired"),
    "client_certificate_refused": Phrase("the broker refuses the post's certificate"),
    "client_certificate_revoked": Phrase("the post's certificate was revoked"),
    "closed_before_answer": Phrase("the broker closed the connection"),
    "connection_refused": Phrase("the machine answers, but no broker listens there"),
    "identity_unreadable": Phrase("the post's certificate or key cannot be read"),
    "name_unresolved": Phrase("its name cannot be found: is the network there?"),
    "no_acknowledgment": Phrase("the broker acknowledges no record: its operator must look at it"),
    "timeout": Phrase("it does not answer: is the network there?"),
    "tls_failed": Phrase("the encrypted connection (TLS) failed"),
    "tls_version_refused": Phrase("the broker has no TLS 1.3"),
    "unreachable": Phrase("it cannot be reached: is the network there?"),
}
"""By the names of `platepost.wire.tls`."""


def in_words(problem: str) -> Phrase:
    """Say a problem in words, with its name; one that has no words as it is."""
    text = PROBLEMS.get(problem)
    return Phrase(problem) if text is None else Phrase("{said} ({name})", said=text, name=problem)
