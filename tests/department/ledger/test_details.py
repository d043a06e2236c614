"""What an entry of the ledger says in words: no bracket, no brace and no code of a program."""

import pytest
from django.utils import timezone

from platepost.department.ledger.details import details


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"person": "a.rivera", "policy": "ab12", "purpose": "audit", "case": None}, "purpose: audit"),
        (
            {"query": {"plate": "7AB*", "posts": ["post-1", "post-2"], "look_alikes": 1}},
            "query: plate 7AB*, posts post-1, post-2, look alikes 1",
        ),
        ({"query": {"console": [20, 36]}}, "query: console 20, 36"),
        (
            {"records": [20], "pictures": [[20, "patch"], [20, "overview"]], "covert": {}},
            "records: 20; pictures: 20 patch, 20 overview",
        ),
        ({"step": "reject", "characters": "ssdsi"}, "step: reject; characters: 3 the same, 1 different, 1 illegible"),
        ({"step": "not_practical", "pairs": ["BD", "O0"]}, "step: not practical; misread: B for D, O for 0"),
        ({"exigent": True, "until": "2026-11-02T15:04:05Z"}, "exigent: yes; until: Nov 2, 2026, 3:04:05 PM UTC"),
        ({"request": 1, "due": "2026-11-12"}, "request: 1; due: Nov 12, 2026"),
        ({"query": {"scenes": [{"posts": ["post-1"], "since": "2026"}]}}, "query: scenes posts post-1, since 2026"),
    ],
)
def test_words(fields: dict[str, object], text: str) -> None:
    with timezone.override("UTC"):
        assert details(fields) == text
