"""`platepost department`: the custodian of a department's records."""

import click

from device.commands.lazy import LazyCommand, LazyGroup

_ROOM = "department.commands"
_COMMANDS = {
    "check": LazyCommand(f"{_ROOM}.check:check", "Name what makes an installation insecure or incomplete."),
    "init": LazyCommand(f"{_ROOM}.init:init", "Make a department's folder, keys and database."),
    "keep": LazyCommand(f"{_ROOM}.keep:keep", "Take records from the posts, prove and store them, sign for them."),
    "ledger": LazyCommand(f"{_ROOM}.ledger:ledger", "Take the ledger along, send its end away, verify it."),
    "serve": LazyCommand(f"{_ROOM}.serve:serve", "Serve the pages."),
    "status": LazyCommand(f"{_ROOM}.status:status", "Show what is kept, what is missing and what is odd."),
    "verify": LazyCommand(f"{_ROOM}.verify:verify", "Go through the whole custody again and name what is wrong."),
    "backup": LazyCommand(f"{_ROOM}.backup:backup", "Write everything into one encrypted file."),
    "restore-test": LazyCommand(f"{_ROOM}.backup:restore_test", "Restore a backup beside it and prove all of it."),
    "person": LazyCommand(f"{_ROOM}.person:person", "Add people, and change their roles, certificates and training."),
    "export": LazyCommand(f"{_ROOM}.evidence:export", "Write records and their proofs for court, encrypted to one."),
    "verify-package": LazyCommand(f"{_ROOM}.evidence:verify_package", "Prove such a package."),
    "public": LazyCommand(f"{_ROOM}.public:public", "Publish a month's counts, serve or write the public page."),
    "contain": LazyCommand(f"{_ROOM}.contain:contain", "Do what is to be done at once about a breach."),
    "federate": LazyCommand(f"{_ROOM}.federate:federate", "Answer partner departments, under agreements."),
    "book": LazyCommand(f"{_ROOM}.evidence:book", "Enter that such a package was received."),
    "export-all": LazyCommand(f"{_ROOM}.portability:export_all", "Write everything in documented open formats."),
    "import": LazyCommand(f"{_ROOM}.portability:import_", "Put such an export into an empty department."),
    "nightly": LazyCommand(f"{_ROOM}.nightly:nightly", "Do what is to be done each night, and say what failed."),
    "upgrade": LazyCommand(f"{_ROOM}.upgrade:upgrade", "Bring the database to the schema of this version."),
    "rebuild": LazyCommand(f"{_ROOM}.rebuild:rebuild", "Make all that people see again, from the original records."),
    "audit": LazyCommand(f"{_ROOM}.audit:audit", "Look for misuse, note households, count a month's searches."),
    "search": LazyCommand(f"{_ROOM}.search:search", "Find plates from a pattern, a place or a time: a drill."),
    "quality": LazyCommand(f"{_ROOM}.quality:quality", "Show how often hits turn out to be none, and why."),
    "webhook": LazyCommand(f"{_ROOM}.webhook:webhook", "Tell agencies what was decided about hits."),
    "retention": LazyCommand(f"{_ROOM}.archive:retention", "Say how long each class of records is kept."),
    "hold": LazyCommand(f"{_ROOM}.archive:hold", "Keep evidence from every purge."),
    "purge": LazyCommand(f"{_ROOM}.archive:purge", "Let records go whose term is over, with proof."),
    "lists": LazyCommand(f"{_ROOM}.lists:lists", "Import lists, and publish what people have entered."),
    "database": LazyCommand(f"{_ROOM}.database:database", "Run the private database in the foreground, as a service."),
}


@click.group(cls=LazyGroup, lazy=_COMMANDS, extra="department")
def department() -> None:
    """Keep a department's records: take them from the posts, prove them, sign for them, show what is there."""
