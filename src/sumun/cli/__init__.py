"""The `sumun` command.

main       the command tree; turns a SumunError into one sentence and an exit code
operator   what commands that change people, clients, tokens and keys work with
table      plain tables for people, JSON for programs
run check show diff explain demo user client token role keys   one file a command

Every heavy import stands inside the command that needs it: `sumun --help` is quick (checked by a test).
"""
