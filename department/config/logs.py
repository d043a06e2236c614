"""What of a request is never logged."""

import logging


class WithoutPath(logging.Filter):
    """Takes the path from what Django says of a request: someone may have typed a plate there."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Let a record pass without it."""
        if isinstance(record.args, tuple):
            record.args = tuple(
                "(path)" if isinstance(argument, str) and "/" in argument else argument for argument in record.args
            )
        return True
