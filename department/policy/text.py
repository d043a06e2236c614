"""The policy as people read it: the council's text, filled in with what the policy file states, as HTML."""

from collections.abc import Iterable
from difflib import SequenceMatcher
from typing import Literal, NamedTuple

from markdown_it import MarkdownIt

from platepost.department.policy.law import NO_CEILING, LawProfile
from platepost.department.policy.policy import TEXT_WORDS, Policy

_MARKDOWN = MarkdownIt("commonmark", {"html": False})


class TextChange(NamedTuple):
    """A line of a text that is in one version alone."""

    kind: Literal["removed", "added"]
    line: str


def policy_text(policy: Policy, *, agency: str, contact: str) -> str:
    """Return the text of a policy, in Markdown.

    Args:
        policy: the version.
        agency: the department's name, as people write it.
        contact: whom people ask.

    """
    law = policy.law
    words = {
        "agency": agency,
        "contact": contact.rstrip("."),
        "law": law.title,
        "purposes": _listed(f"**{purpose.name.capitalize()}**: {purpose.says}." for purpose in policy.offered),
        "forbidden": _listed(f"{use.says}." for use in policy.forbidden),
        "retention": _retention(law),
        "sharing": f"Records are shared with public agencies of {law.state} only, never with federal, out-of-state, or"
        " private parties."
        if law.shares_in_state_only
        else "Records are shared by agreement only.",
        "audits": f"The use of the system is audited at least every {law.audit_days} days."
        if law.audit_days
        else "The use of the system is audited regularly, by a plan.",
        "cases": ", ".join(purpose.name for purpose in policy.offered if purpose.case),
    }
    return TEXT_WORDS.sub(lambda match: words[match[1]], policy.text.strip())


def policy_html(text: str) -> str:
    """Return a text in Markdown as HTML; markup that it contains is shown, not obeyed."""
    return str(_MARKDOWN.render(text))


def text_changes(before: str, after: str) -> list[TextChange]:
    """Return the lines that one version of a text has and the next has not, in the order in which one reads them."""
    old, new = ([line for line in text.splitlines() if line.strip()] for text in (before, after))
    changes = list[TextChange]()
    for kind, begins, ends, new_begins, new_ends in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if kind != "equal":
            changes += [TextChange("removed", line) for line in old[begins:ends]]
            changes += [TextChange("added", line) for line in new[new_begins:new_ends]]
    return changes


def _retention(law: LawProfile) -> str:
    least = (
        f"Records are kept for at least {law.keep_at_least_days} days" if law.keep_at_least_days else "Records are kept"
    )
    most = f"at most {law.keep_at_most_days} days" if law.keep_at_most_days != NO_CEILING else ""
    joined = f"{least} and {most}" if most and law.keep_at_least_days else f"{least} for {most}" if most else least
    return f"{joined}, and are then deleted. The public page states the exact time for each kind of record."


def _listed(lines: Iterable[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)
