"""What a rollout of software is judged by: counts, and no plate."""

from collections.abc import Iterator
from datetime import timedelta

import psycopg
import pytest

from platepost.department.custody.read_figures import read_figures
from platepost.department.database.roles import KEEPER
from platepost.provisioning.control.read_figures import ReadFigures
from platepost.wire.contract.examples import BEGAN
from tests.department.custody.conftest import Open
from tests.department.custody.posts import GROUP, HIT, Post, deliveries

DAY = timedelta(days=1)


@pytest.fixture
def keeper(database: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(database, user=KEEPER, autocommit=True) as connection:
        yield connection


def test_plates_that_were_read_before_are_known(opened: Open, keeper: psycopg.Connection) -> None:
    post, store = Post(), opened()
    before = [post.read(captured=BEGAN - DAY, text=text) for text in ("7ABC123", "7OLD000")]
    long_ago = post.read(captured=BEGAN - 15 * DAY, text="7XYZ999")
    since = [post.read(HIT, captured=BEGAN), post.hit(), post.hit(GROUP)]
    # A plate that is new is so however often it comes, and O is as good as 0.
    since += [post.read(captured=BEGAN, text=text) for text in ("70LDOOO", "7NEW111", "7NEW111", "7XYZ999")]
    store.keep(deliveries(*before, long_ago, *since))
    store.close()
    found = read_figures(keeper, BEGAN - DAY / 2, BEGAN + DAY / 2)
    (figures,) = found.values()
    assert (figures.reads, figures.known, figures.hits) == (5, 2, 1)
    assert 0 < figures.confidence <= 1
    assert read_figures(keeper, BEGAN + DAY, BEGAN + 2 * DAY) == {}
    assert set(ReadFigures.model_fields) == {"reads", "known", "late", "hits", "confidence"}, "no plate, no time"
