"""Whether a hit could be heard now: from the camera, by the broker and the keeper, to this database.

It says what is known to be deaf, and never that all is well. A broker counts as heard while the keeper holds its lock;
a post, while records of it come (its vital signs come once a minute); the whole way is proved by the post's test hits.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.utils.translation import gettext

from platepost.department.custody.tables import BROKER_LOCKS, KEEPERS
from platepost.department.database.queries import rows
from platepost.department.web.moments import date_text

SYNTHETIC_LATE = 2
"""A post's synthetic hit is late after so many times the interval at which the post makes it."""
SILENT = timedelta(seconds=150)
"""A post that sends its vital signs each minute has missed two of them after so long."""
_LOCKS = (
    "SELECT objid::int FROM pg_locks WHERE locktype = 'advisory' AND classid::bigint = %s AND objsubid = 2 AND granted"
    " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
)
_POSTS = (
    "SELECT DISTINCT post FROM custody_tally WHERE covert_group IS NULL AND verdict = 'genuine' AND day > %s::date - 31"
    " AND post NOT IN (SELECT gone.post FROM custody_decommissioned() AS gone)"
)
_ANY_POST = "SELECT 1 FROM custody_tally WHERE covert_group IS NULL AND verdict = 'genuine' LIMIT 1"
_LAST = """
SELECT known.post, latest.at, status.state, status.synthetic_every_minutes
FROM unnest(%(posts)s::text[]) AS known (post)
LEFT JOIN LATERAL (
    SELECT max(last_kept_at) AS at FROM custody_tally
    WHERE post = known.post AND covert_group IS NULL AND verdict = 'genuine' AND day >= %(day)s
) AS latest ON true
LEFT JOIN LATERAL (
    SELECT state, synthetic_every_minutes FROM custody_status
    WHERE post = known.post AND class = 'log' AND covert_group IS NULL AND retained_from > %(at)s - interval '31 days'
    ORDER BY at DESC LIMIT 1
) AS status ON true
ORDER BY known.post
"""


@dataclass(frozen=True, slots=True)
class PostLiveness:
    """What was last heard of one post."""

    post: str
    kept_at: datetime | None
    """When its last genuine record was kept; None where that was before yesterday."""
    state: str | None
    """`online`, `degraded` or `offline`, as its last status says."""
    tested_at: datetime | None
    """When its last test hit was made."""
    test_late: bool
    silent: bool


@dataclass(frozen=True, slots=True)
class ListeningState:
    """What can be heard at a moment."""

    at: datetime
    posts: tuple[PostLiveness, ...]
    lost: tuple[str, ...]
    """What is known to be deaf, a sentence each."""
    nothing: bool
    """Whether no hit at all can come."""
    away: tuple[str, ...] = ()
    """Brokers to which the archive service is not connected."""

    @property
    def last(self) -> datetime | None:
        """When anything last came from any post."""
        return max((post.kept_at for post in self.posts if post.kept_at), default=None)

    @property
    def tested(self) -> datetime | None:
        """When the last test hit came all the way."""
        return max((post.tested_at for post in self.posts if post.tested_at), default=None)


def listening_state(at: datetime | None = None) -> ListeningState:
    """Look what can be heard now, by what the web role may see.

    Raises:
        django.db.Error: the database does not answer.

    """
    at = at or datetime.now(UTC)
    posts = tuple(_post_states(at))
    keeper = rows(KEEPERS)
    locks = {place for (place,) in rows(_LOCKS, [BROKER_LOCKS])}
    away = [name for place, name in enumerate(settings.BROKERS) if place not in locks]
    lost = []
    if not keeper:
        lost.append(gettext("The archive service is not running: no hits are taken from the broker."))
    else:
        unconnected = gettext("The archive service is not connected to the broker {name}.")
        lost += [unconnected.format(name=name) for name in away]
    for post in posts:
        if post.silent:
            lost.append(
                _since(gettext("{post} silent since {time}."), gettext("{post} silent."), post.post, post.kept_at)
            )
        elif post.state == "offline":
            lost.append(gettext("{post} is offline.").format(post=post.post))
        elif post.test_late:
            since = gettext("The test hit of {post} is late: none received since {time}.")
            never = gettext("The test hit of {post} is late: none received.")
            lost.append(_since(since, never, post.post, post.tested_at))
    if not posts:
        before = rows(_ANY_POST)
        lost.append(gettext("No post has reported for a month.") if before else gettext("No post has reported yet."))
    nothing = not keeper or len(away) == len(settings.BROKERS) or all(post.silent for post in posts)
    return ListeningState(at, posts, tuple(lost), nothing, tuple(away))


def _post_states(at: datetime) -> list[PostLiveness]:
    tested = dict(rows("SELECT post, captured_at FROM custody_synthetic_kept()"))
    names = [post for (post,) in rows(_POSTS, [at])]
    values = {"posts": names, "day": (at - timedelta(days=1)).date(), "at": at}
    posts = []
    for post, kept_at, state, every in rows(_LAST, values):
        late = every is not None and at - tested.get(post, datetime.min.replace(tzinfo=UTC)) > (
            SYNTHETIC_LATE * timedelta(minutes=every)
        )
        silent = kept_at is None or at - kept_at > SILENT
        posts.append(PostLiveness(post, kept_at, state, tested.get(post), late, silent))
    return posts


def _since(since: str, never: str, post: str, at: datetime | None) -> str:
    """Return a sentence about a post, with since when where that is known."""
    if at is None:
        return never.format(post=post)
    return since.format(post=post, time=date_text(at, "M j, Y, H:i:s T"))
