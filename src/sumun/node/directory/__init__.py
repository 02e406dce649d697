"""The directory as a node uses it.

beginning   when a node starts: where it is, its schema, its first key, names that clash
truth       what is true of people, clients and keys, in the words of `recognition`
signing     the keys that sign JWTs, over a node's life

Plan + data folder + secrets -> location -> Directory -> truth -> memories of this node.
"""
