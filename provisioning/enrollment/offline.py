"""Enrollment without a network, by stick: every request in a folder is judged, and answered in the same folder."""

from collections.abc import Iterator
from pathlib import Path

from platepost.provisioning.enrollment.registration import RegistrationAuthority
from platepost.wire.enrollment.errors import EnrollmentError
from platepost.wire.enrollment.offline import OfflineAnswer, read_request_file, requests, write_answer, write_refusal


def answer_all(registration: RegistrationAuthority, folder: Path) -> Iterator[tuple[str, EnrollmentError | None]]:
    """Answer each request that waits; yield the post, and why it was refused, if it was."""
    for post in requests(folder):
        try:
            body, seal = read_request_file(folder, post)
            certificate, code = registration.enroll_sealed(post, body, seal)
            answer = OfflineAnswer(certificate, registration.authorities, registration.configuration(post))
            write_answer(folder, post, answer, seal_key=code.seal)
        except EnrollmentError as refusal:
            write_refusal(folder, post, refusal)
            yield post, refusal
        else:
            yield post, None
