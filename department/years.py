"""The years that pages and commands take: the times of others cannot be shown in every zone, or are mistakes."""

FIRST_YEAR, LAST_YEAR = 1900, 2999
