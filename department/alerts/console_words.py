"""What the console's script says, so that it can be translated: the page carries it."""

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

CONSOLE_WORDS = {
    "logged_out": _("You are logged out, or may not see hits any more."),
    "unreadable": _("The record cannot be read."),
    "priority": _("Priority {priority}"),
    "no_hits": _("No hits"),
    "open": _("{open} open, {waiting} to be taken"),
    "again": _("The same plate again: {times} times, last at {place}"),
    "once": _("The same plate again: once, at {place}"),
    "s": _("{count} s ago"),
    "min": _("{count} min ago"),
    "h": _("{count} h ago"),
    "days": _("{count} days ago"),
    "possible": _("Possible match, priority {priority}"),
    "back": _("TAKEN BACK: {category}, {place}, {plate}. Stop what was begun on it, and say what was done."),
    "show": _("Show it"),
    "back_note": _("A hit was taken back"),
    "silent": _("This page hears nothing from its server; it goes on trying."),
    "was_deaf": _("You heard nothing from {since} to {until}. What came meanwhile stands below."),
    "deaf_since": _("You hear nothing, since {since}"),
    "deaf_partly": _("You do not hear everything"),
    "last_heard": _("Last heard from a post {heard}; last test hit {tested}."),
    "not_heard": _("Nothing heard yet."),
    "never": _("never"),
    "no_test": pgettext_lazy("test hit", "none"),
    "sound": _("Sound is on: try it"),
    "no_sound": _("NO SOUND: turn it on"),
    "title_deaf": _("You hear nothing"),
    "title_back": _("Taken back"),
    "title_waiting": _("({waiting}) to be taken"),
    "refused": _("You may not do this now."),
    "not_done": _("It was not done: the server cannot do it now."),
    "unanswered": _("It may not have been done: the server does not answer."),
}
"""By name, with places in braces for what the script knows."""
