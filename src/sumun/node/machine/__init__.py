"""What the machine gives to a node, and what a node takes of it.

folders       the data folder: its layout, its lock, its marker
privileges    from root to an ordinary user, after everything is imported and bound; whose a file is
unix_socket   listening sockets that only one account can reach
secret_refs   reads what `env:` and `file:` refer to
"""
