"""What the machine gives to a node, and what a node takes of it.

folders          the data folder: its layout, its lock, its marker
privileges       from root to an ordinary user, after everything is imported and bound
ownership        whose the data folder's files are at a start
process_limits   what the kernel lets our processes have
unix_socket      listening sockets that only one account can reach
secret_refs      reads what `env:` and `file:` refer to
"""
