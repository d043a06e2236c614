"""The policy as people read it: the council's text with its placeholders filled in, and its changes."""

from collections.abc import Iterable
from difflib import SequenceMatcher
from typing import Literal, NamedTuple

from markdown_it import MarkdownIt

from platepost.department.policy.law import NO_CEILING, LawProfile
from platepost.department.policy.policy import TEXT_PLACEHOLDER, Policy

_MARKDOWN = MarkdownIt("commonmark", {"html": False})


class TextChange(NamedTuple):
    """A line that only one of two versions has."""

    kind: Literal["removed", "added"]
    line: str


def policy_text(policy: Policy, *, agency: str, contact: str) -> str:
    """Return the text of a policy, in Markdown.

    Args:
        policy: the version.
        agency: the department's name, as people write it.
        contact: whom to ask, as a sentence; its final period is dropped.

    """
    law = policy.law
    values = {
        "agency": agency,
        "contact": contact.rstrip("."),
        "law": law.title,
        "purposes": _bullets(f"**{purpose.name.capitalize()}**: {purpose.says}." for purpose in policy.offered),
        "forbidden": _bullets(f"{use.says}." for use in policy.forbidden),
        "retention": _retention(law),
        "sharing": _sharing(law),
        "audits": _audits(law),
        "cases": ", ".join(purpose.name for purpose in policy.offered if purpose.case),
    }
    return TEXT_PLACEHOLDER.sub(lambda match: values[match[1]], policy.text.strip())


def policy_html(text: str) -> str:
    """Return a text in Markdown as HTML; HTML in it is escaped."""
    return str(_MARKDOWN.render(text))


def text_changes(before: str, after: str) -> list[TextChange]:
    """Return the lines that one version of a text has and the next has not, in reading order."""
    old, new = ([line for line in text.splitlines() if line.strip()] for text in (before, after))
    changes = list[TextChange]()
    for tag, old_start, old_end, new_start, new_end in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag != "equal":
            changes += [TextChange("removed", line) for line in old[old_start:old_end]]
            changes += [TextChange("added", line) for line in new[new_start:new_end]]
    return changes


def _retention(law: LawProfile) -> str:
    least, most = law.keep_at_least_days, law.keep_at_most_days
    if least and most != NO_CEILING:
        kept = f"Records are kept for at least {least} days and at most {most} days"
    elif least:
        kept = f"Records are kept for at least {least} days"
    elif most != NO_CEILING:
        kept = f"Records are kept for at most {most} days"
    else:
        kept = "Records are kept for a limited time"
    return f"{kept}, and are then deleted. The public page states the exact time for each kind of record."


def _sharing(law: LawProfile) -> str:
    if law.shares_in_state_only:
        return (
            f"Records are shared with public agencies of {law.state} only, never with federal, out-of-state, or private"
            " parties."
        )
    return "Records are shared by agreement only."


def _audits(law: LawProfile) -> str:
    if law.audit_days:
        return f"The use of the system is audited at least every {law.audit_days} days."
    return "The use of the system is audited regularly, by a plan."


def _bullets(lines: Iterable[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)
