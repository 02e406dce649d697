"""The supervisor: starts the parts of a node, keeps them going, has them learn a new configuration, and stops them.

node                 start in order, wait until ready, stop in reverse
foreground           until a signal ends it; SIGHUP and `--watch` reload
crew                 the parts that were started, and how those of our own are started
generation_folders   the generations on this node's disk

reload               which generation is in force, and the steps to the next one
pupil                a part that learns it; haproxy_side: what HAProxy does
watch                reload when the configuration was written; written: what of it stands on disk

haproxy_part         HAProxy as a part of the node
access_log           the file that HAProxy writes its lines into
master_relay         the few commands for HAProxy's workers that a part without root may give
"""
