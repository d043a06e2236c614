"""Tells at the broker what people decided: signed by the custodian, after it was committed, at least once."""

import time
from collections.abc import Collection, Mapping
from typing import Any

from django.db import DatabaseError, connection
from joserfc.jwk import ECKey

from platepost.department.custody.errors import StoreError
from platepost.department.custody.messages import OutgoingMessage
from platepost.department.database.queries import rows
from platepost.wire.jose import sign
from platepost.wire.records.decision import DECISION_TYPE, Decision
from platepost.wire.records.topics import decision_topic

POLL_SECONDS = 0.5
"""Between two looks at what waits."""
_MOST = 200
"""That one look adds."""
_WAITING = """
SELECT id, covert_group, post, hit, number, at, decision, reason FROM alerts_decision
WHERE published_at IS NULL AND id <> ALL (%s) ORDER BY id LIMIT %s
"""


def decision_of(who: Mapping[str, str], *values: object) -> Decision:
    """Return a decision as it is told: of an `agency` and a `custodian`, then the database's columns in its order."""
    names = ("post", "hit", "number", "time", "decision", "reason")
    return Decision.model_validate({**who, **dict(zip(names, values, strict=True))})


class DecisionOutbox:
    """The decisions that wait to be told; for the thread of the keeper, as the role `platepost_keeper`."""

    def __init__(self, custodian: str, *, agency: str, key: ECKey) -> None:
        self._custodian = custodian
        self._agency = agency
        self._key = key
        self._looked_at = float("-inf")
        self._waiting: dict[int, OutgoingMessage] = {}

    def waiting(self) -> Mapping[int, OutgoingMessage]:
        """Return each decision that waits, signed, by its number here. Raises StoreError."""
        if time.monotonic() > self._looked_at + POLL_SECONDS:
            self._looked_at = time.monotonic()
            # Beside those that are known: while one broker is away for long, the others are told of new ones.
            rows = self._asked(_WAITING, [[*self._waiting], _MOST])
            self._waiting |= {row[0]: self._signed(*row[1:]) for row in rows}
        return self._waiting

    def delivered(self, numbers: Collection[int]) -> None:
        """Note that every broker has acknowledged some. Raises StoreError."""
        self._asked("UPDATE alerts_decision SET published_at = now() WHERE id = ANY (%s) RETURNING id", [[*numbers]])
        self._waiting = {number: values for number, values in self._waiting.items() if number not in numbers}

    def _signed(self, group: str | None, post: str, hit: str, number: int, *values: object) -> OutgoingMessage:
        payload = decision_of({"agency": self._agency, "custodian": self._custodian}, post, hit, number, *values)
        body = sign(payload.model_dump_json().encode(), self._key, typ=DECISION_TYPE, kid=self._key.thumbprint())
        return OutgoingMessage(decision_topic(self._agency, self._custodian, group), body)

    def _asked(self, query: str, values: list[Any]) -> list[tuple[Any, ...]]:
        try:
            return rows(query, values)
        except DatabaseError as error:
            connection.close()
            raise StoreError(f"the database does not say what was decided: {type(error).__name__}") from error
