"""One running sumun.

run             start in order, wait until ready, stop in reverse
foreground      until a signal ends it; SIGHUP and `--watch` reload
supervise       parts (processes): started, watched, restarted with back-off, stopped
part_answer     the answering process: SPOE questions
master_relay    the few commands for HAProxy's workers that a part without root may give
control         what the supervisor and its parts say to each other while they run
reload          the steps of a reload, with the parts of this node
watch           reload when the configuration was written
access_log      the file that HAProxy writes its lines into
part_http       the HTTP process: OAuth endpoints, metrics
assemble        the only file that names concrete parts (stores, authenticators, directory)
logins          the authenticators of a plan, and the budgets for guessing
secret_refs     reads what `env:` and `file:` refer to
folders         the data folder: its layout, its lock, its marker
privileges      from root to an ordinary user, after everything is imported and bound

The supervisor starts every part as a process of its own and keeps no request in its hands. Parts learn what they need
from the generation folder (a Plan without secrets) and resolve secret references themselves, before they drop root.
"""
