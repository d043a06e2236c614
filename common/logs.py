"""Log lines for a collector of logs: one object of JSON each. No line has a plate, in either form."""

import json
import logging
from datetime import UTC, datetime

FORMATS = ("text", "json")
"""`json` is for what collects logs, such as Loki or Elasticsearch."""


class JsonFormatter(logging.Formatter):
    """Writes a line of JSON: `at` in UTC, `level`, `logger`, `message`, and `error` where there was an exception."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        fields = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            fields["error"] = self.formatException(record.exc_info)
        return json.dumps(fields)


def set_up_logs(level: int, form: str) -> None:
    """Have the process log to standard error from a level on, in one of the forms."""
    handler = logging.StreamHandler()
    text = logging.Formatter("%(levelname)s %(name)s: %(message)s")
    handler.setFormatter(JsonFormatter() if form == "json" else text)
    logging.basicConfig(level=level, handlers=[handler])
