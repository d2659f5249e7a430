"""How the tables of ledger and journal came to be, one file per change; `ledger` is where they are now."""
