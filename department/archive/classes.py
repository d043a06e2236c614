"""The classes of records that have a term, in words: for pages that no one logs in to, too, so without a model."""

CLASSES = {
    "no_hit": "reads without a hit",
    "hit": "hits, withdrawals, and reads with a hit",
    "log": "what posts say about themselves",
    "doubtful": "records whose time is in doubt",
    "decision": "decisions on hits",
    "list_entry": "entries of hot lists",
    "lookback": "earlier reads that fit an entry",
    "ledger_access": "who looked at what",
    "ledger_rights": "who had which right",
    "training": "results of exercises",
    "training_noted": "results of training",
    "saved_work": "saved searches",
    "backup": "backups",
    "held": "what a hold had kept",
}
