"""The store of a node: the Valkey server that it starts, or the one that the configuration names.

address    where it is, and as whom to talk to it
embedded   the real Valkey server as a part of this node; room: what it writes by itself fits on the disk
reach      whether the one that the configuration names is there, asked before anything is started

Plan + data folder + secrets -> address -> everybody who opens something in the store.
"""
