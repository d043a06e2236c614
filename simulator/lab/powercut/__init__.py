"""Power cuts: the outbox on a disk that forgets, at any instant, what was not yet synchronised."""
