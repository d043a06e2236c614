"""Functions of the database that a later migration defines again, changed in a few places."""

import re
from collections.abc import Mapping


def redefined(script: str, name: str, changes: Mapping[str, str]) -> str:
    """Return the definition of a function in a former migration's script, with some of its text changed.

    Args:
        script: the SQL that made it, which ends its body by `$$;`.
        name: the function's.
        changes: what stands there, once each, and what is to stand there.

    Raises:
        ValueError: the function is not defined there, or something does not stand in it once.

    """
    begins = re.search(rf"CREATE (?:OR REPLACE )?FUNCTION (?={re.escape(name)}\()", script)
    if begins is None:
        raise ValueError(f"{name} is not defined there")
    said = "CREATE OR REPLACE FUNCTION " + script[begins.end() : script.index("$$;", begins.end()) + 3]
    for before, after in changes.items():
        if said.count(before) != 1:
            raise ValueError(f"{name} does not have it once: {before}")
        said = said.replace(before, after)
    return said
