"""The years that commands and pages take: other times are mistakes, or cannot be shown in every zone."""

FIRST_YEAR, LAST_YEAR = 1970, 2999
