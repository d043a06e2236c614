"""The classes of records that have a term, in words: for pages that no one logs in to, too, so without a model."""

CLASSES = {
    "no_hit": "reads without a hit",
    "hit": "hits, withdrawals, and reads with a hit",
    "log": "status reports of posts",
    "doubtful": "records whose time is in doubt",
    "decision": "decisions on hits",
    "list_entry": "entries of hot lists",
    "lookback": "earlier reads that match a new entry",
    "ledger_access": "the log of who viewed what",
    "ledger_rights": "the log of roles and rights",
    "training": "results of exercises",
    "training_noted": "results of training",
    "saved_work": "saved searches",
    "backup": "backups",
    "held": "records whose hold has ended",
}
