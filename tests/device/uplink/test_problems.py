"""Every problem of a connection has words for a technician."""

from platepost.device.uplink.reasons import PROBLEMS, in_words
from platepost.wire import tls


def test_every_problem_of_a_connection_has_words() -> None:
    # Its own tables: no list of what else could be named.
    tables = (*(name for _, name in tls._TLS_NAMES), *(name for _, name in tls._NAMES), *tls._VERIFY_NAMES.values())
    assert {*tables, tls.tls_problem(""), tls.connection_problem(OSError())} <= PROBLEMS.keys()
    assert in_words("timeout") == "it does not answer: is the network there? (timeout)"
    assert in_words("not_authorized") == "not_authorized"
