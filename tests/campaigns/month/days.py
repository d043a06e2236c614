"""A department's clock set back: its database and its code take a day of the past for today."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any
from unittest import mock

from django.apps import apps
from django.db import connection
from django.utils import timezone

from platepost.department.database.queries import rows

_FUNCTIONS = r"""
SELECT pg_get_functiondef(oid) FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND prokind = 'f'
AND prosrc ~ '\m(clock_timestamp|statement_timestamp|now)\(\)|\mcurrent_date\M' AND proname <> 'simulated_now'
"""
_DEFAULTS = r"""
SELECT format('ALTER TABLE %s ALTER %I SET DEFAULT ', adrelid::regclass, attname), pg_get_expr(adbin, adrelid)
FROM pg_attrdef JOIN pg_attribute ON attrelid = adrelid AND attnum = adnum JOIN pg_class ON pg_class.oid = adrelid
WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')
AND pg_get_expr(adbin, adrelid) ~ '\m(clock_timestamp|statement_timestamp|now)\(\)'
"""
_CLOCK = """
CREATE OR REPLACE FUNCTION public.simulated_now() RETURNS timestamptz LANGUAGE sql VOLATILE AS $$
SELECT clock_timestamp() - coalesce(nullif(current_setting('platepost.ago', true), ''), '0')::interval
$$
"""


class BackdatedClock:
    """How far back it is."""

    def __init__(self) -> None:
        self.ago = timedelta(0)
        self._real = timezone.now

    def now(self) -> datetime:
        """Return the time of the simulated day."""
        return self._real() - self.ago

    def set_back(self, ago: timedelta) -> None:
        """Be so far in the past from now on."""
        further, self.ago = ago > self.ago, ago
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('platepost.ago', %s, false)", [f"{ago.total_seconds()} seconds"])
            if further:  # the ledger takes no entry that is dated before the last, unless an entry says why
                said = json.dumps({"person": "simulator", "reason": "a day of the past is simulated"})
                cursor.execute("SELECT ledger_append('clock_set_back', NULL, %s)", [said])


def _simulated(text: str) -> str:
    text = re.sub(r"\b(clock_timestamp|statement_timestamp|now)\(\)", "public.simulated_now()", text)
    return re.sub(r"\bcurrent_date\b", "(public.simulated_now()::date)", text, flags=re.IGNORECASE)


@contextmanager
def backdated_clock() -> Iterator[BackdatedClock]:
    """Have the database that Django works on, as its owner, and the department's code ask a clock that is set back.

    So what is entered on a day of the past carries its time, and the ledger's chain holds over it. In the end all is as
    it was.
    """
    clock = BackdatedClock()
    functions = [definition for (definition,) in rows(_FUNCTIONS)]
    defaults = rows(_DEFAULTS)
    fields: list[Any] = [
        field for model in apps.get_models() for field in model._meta.fields if field.default is timezone.now
    ]
    with connection.cursor() as cursor:
        cursor.execute(_CLOCK)
        for definition in functions:
            cursor.execute(_simulated(definition))
        for alter, default in defaults:
            cursor.execute(alter + _simulated(default))
    try:
        with mock.patch("django.utils.timezone.now", clock.now):
            for field in fields:
                field.__dict__["_get_default"] = clock.now
            yield clock
    finally:
        clock.set_back(timedelta(0))
        for field in fields:
            field.__dict__.pop("_get_default", None)
        with connection.cursor() as cursor:
            for definition in functions:
                cursor.execute(definition)
            for alter, default in defaults:
                cursor.execute(alter + default)
            cursor.execute("DROP FUNCTION public.simulated_now()")
