"""Sessions of the pages. The database stores a digest of each key: whoever reads its tables can take over no session.

`SESSION_ENGINE` names this module. The database also knows whose each session is (`people_session.sql`): by that, and
not by what the pages claim, it opens entries of the ledger.
"""

from collections.abc import Collection
from hashlib import sha256

from django.contrib.auth.signals import user_logged_in
from django.contrib.sessions.backends import db
from django.contrib.sessions.models import Session
from django.http import HttpRequest
from django.utils import timezone

from platepost.department.database.queries import rows
from platepost.department.people.models import DepartmentPerson


class SessionStore(db.SessionStore):
    """A session of the pages."""

    def exists(self, session_key: str) -> bool:
        """Tell whether there is a session with a key."""
        return super().exists(_stored(session_key))

    def create_model_instance(self, data: dict[str, object]) -> Session:
        """Return the row of this session."""
        session = super().create_model_instance(data)
        session.session_key = _stored(session.session_key)
        return session  # type: ignore[return-value]

    def delete(self, session_key: str | None = None) -> None:
        """End this session, or that with a key."""
        key = session_key if session_key is not None else self.session_key
        if key is not None:
            rows("SELECT people_end_session(%s)", [key])
            super().delete(_stored(key))

    def cycle_key(self) -> None:
        """Go on by a new key, as whoever is logged on."""
        data, former = self._session, self.session_key  # type: ignore[attr-defined]
        self.create()
        self._session_cache = data
        if former:
            rows("SELECT people_renew_session(%s, %s)", [former, self.session_key])
            self.delete(former)

    def _get_session_from_db(self) -> Session | None:
        sessions = Session.objects.filter(session_key=_stored(self.session_key or ""), expire_date__gt=timezone.now())
        if not (session := sessions.first()):
            self._session_key = None
        return session


def live_sessions(keys: Collection[str]) -> set[str]:
    """Return those of some keys whose sessions have not ended."""
    stored = {_stored(key): key for key in keys}
    sessions = Session.objects.filter(session_key__in=stored, expire_date__gt=timezone.now())
    return {stored[key] for key in sessions.values_list("session_key", flat=True)}


def begin_session(sender: object, *, request: HttpRequest, user: DepartmentPerson, **kwargs: object) -> None:
    """Have the database know who has logged on by a session. It asks the ledger whether someone has."""
    del sender, kwargs
    rows("SELECT people_begin_session(%s, %s)", [request.session.session_key, user.login])


def _stored(key: str) -> str:
    return sha256(key.encode()).hexdigest()[:40]


user_logged_in.connect(begin_session, dispatch_uid="platepost.department.people.sessions")
