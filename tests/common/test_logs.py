"""Log lines for a collector of logs."""

import io
import json
import logging
from pathlib import Path

from platepost.common.logs import JsonFormatter


def test_a_line_of_json_has_what_happened_and_where() -> None:
    stream = io.StringIO()
    log = logging.getLogger("platepost.department.status")
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonFormatter())
    log.addHandler(handler)
    log.propagate = False
    log.warning('the broker %s is away:\n"no route"', "broker.example:8883")
    try:
        Path("/proc/none").read_bytes()
    except OSError:
        log.exception("not stored")
    log.removeHandler(handler)
    log.propagate = True
    first, second = map(json.loads, stream.getvalue().splitlines())
    assert first.pop("at").endswith("+00:00")
    assert first == {
        "level": "warning",
        "logger": "platepost.department.status",
        "message": 'the broker broker.example:8883 is away:\n"no route"',
    }
    assert (second["level"], second["error"].splitlines()[-1]) == (
        "error",
        "FileNotFoundError: [Errno 2] No such file or directory: '/proc/none'",
    )
