"""Accounts that one person made alone, as far as the register of people shows: person, sponsor and trainer."""

from collections.abc import Iterator
from dataclasses import dataclass

from platepost.department.database.queries import rows

RULE = "one maker"
"""As a finding has it, beside the rules against misuse."""
_ACCOUNTS = """
SELECT maker.login, array_agg(person.login ORDER BY person.login)
FROM people_person AS person JOIN people_person AS maker ON maker.id = person.made_by_id
JOIN people_person AS sponsor ON sponsor.id = person.sponsor_id AND sponsor.made_by_id = maker.id
WHERE person.disabled_at IS NULL AND EXISTS (
    SELECT FROM people_training AS noted JOIN people_person AS trainer ON trainer.id = noted.trainer_id
    WHERE noted.person_id = person.id AND trainer.made_by_id = maker.id
)
GROUP BY maker.login ORDER BY maker.login
"""


@dataclass(frozen=True, slots=True)
class SingleMaker:
    """Somebody who added people, and those who answer for them and trained them."""

    maker: str
    people: tuple[str, ...]

    @property
    def says(self) -> str:
        """What a finding says."""
        return (
            f"Added {', '.join(self.people)}, and also the sponsor and a trainer of each. Show that these people, their"
            " sponsors and their trainers exist."
        )


def single_makers() -> Iterator[SingleMaker]:
    """Yield whoever added people whose sponsor and trainer they added too; nobody of the command line."""
    for maker, people in rows(_ACCOUNTS):
        yield SingleMaker(maker, tuple(people))
