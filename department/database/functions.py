"""Functions of the database that a later migration defines again, changed in a few places."""

from collections.abc import Mapping


def redefined(script: str, name: str, changes: Mapping[str, str]) -> str:
    """Return the definition of a function in a former migration's script, with some of its text changed.

    Args:
        script: the SQL that made it, which ends its body by `$$;`.
        name: the function's.
        changes: what stands there, once each, and what is to stand there.

    Raises:
        ValueError: something does not stand there once.

    """
    begin = script.index(f"CREATE FUNCTION {name}(")
    said = script[begin : script.index("$$;", begin) + 3].replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION", 1)
    for before, after in changes.items():
        if said.count(before) != 1:
            raise ValueError(f"{name} does not have it once: {before}")
        said = said.replace(before, after)
    return said
