"""The diagnoser: names root causes from what the API says, without a language model.

`collect` (or `folder`, offline) makes a Snapshot; `engine.diagnose` is pure from there: `analyzers` yield Observations,
`relations` say which explains which, `graph` keeps what nothing explains, `focus` keeps what was asked about, and
`wording`, `changes` and `remedies` say it. Nothing here writes to a cluster.

To add a fault: detect it in `analyzers/<family>.py`, word it in `wording/<family>.py` (both languages), optionally
propose its repair in `remedies/<family>.py` and a relation in `relations/<name>.py`; add one line to the table in each
room's `__init__.py`. Shared facts come from `facts`, evidence from `evidence`, total field access from `fields`.
"""
