"""What an operator does from the command line, beside a node that may run or not.

opened          a node's data, opened: people, clients, tokens, keys
issue_by_hand   tokens issued and revoked by an operator
condition       looks at a running node: its supervisor, its parts, the services behind it

Data folder -> opened -> sumun.changes, or a question over the control sockets -> condition.
"""
