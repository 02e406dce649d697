"""The steps, one file each, numbered in order. See the package above for how to add one.

Each has `upgrade()` and no way down. A step works on SQLite and PostgreSQL alike, keeps every row, and can be run in
one transaction with the steps before it.
A released step is never edited: databases out there stand on it.
"""
