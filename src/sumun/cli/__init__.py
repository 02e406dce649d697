"""The `sumun` command.

main       the command tree; turns a SumunError into one sentence and an exit code
operator   what commands that change people, clients, tokens and keys work with
table      plain tables for people, JSON for programs
options    words that several commands take; rights: roles and permissions as words
run reload status check show diff explain replay shadow demo user client token role keys   one file a command
explain_logged   `explain` of a request that was logged; judged_log: the log's calls, judged again

Every heavy import stands inside the command that needs it: `sumun --help` is quick (checked by a test).
"""
