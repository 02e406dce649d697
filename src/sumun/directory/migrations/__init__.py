"""The schema's history, for Alembic: every step that made the tables what they are.

env.py      what Alembic runs; it works in the transaction that directory/schema.py opened and never opens its own
versions/   one file for each step, never changed once released: a step copies the tables it makes, it does not import
            directory/tables.py, because that page goes on and history does not

A new step: change directory/tables.py, add versions/NNNN_what.py with `down_revision` the last one, add NNNN to
`STEPS` in directory/schema.py. Steps only go up; the way back is a backup.
"""
