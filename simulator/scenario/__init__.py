"""Scenarios: a readable file says what happens to posts and what must be true at the end, and it is played and judged.

::

    file -> description -> site (fleet, brokers, lists) -> scheduler (time, posts, events) -> course -> checks -> report

The posts are whole posts of `device`; time, chance, lens, board and disk come through their rig (`harness`).
"""
