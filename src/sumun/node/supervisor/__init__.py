"""The supervisor: starts the parts of a node, keeps them going, has them learn a new configuration, and stops them.

node           start in order, wait until ready, stop in reverse
foreground     until a signal ends it; SIGHUP and `--watch` reload
reload         the steps of a reload, with the parts of this node
watch          reload when the configuration was written; written: what of it stands on disk

haproxy_part   HAProxy as a part of the node
access_log     the file that HAProxy writes its lines into
master_relay   the few commands for HAProxy's workers that a part without root may give
"""
