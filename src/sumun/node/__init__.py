"""One running sumun, on one data folder. Each folder is one idea, and imports only from those below it.

supervisor/   starts the parts, keeps them going, has them learn a new configuration, stops them: `sumun run`
parts/        the programs of ours that it starts, each a process: answering, HTTP, the keeper
operator/     what the command line does beside a node
calls/        who calls, and what the access log says: for explain and replay
assemble/     puts concrete parts together (stores, logins, the OAuth server) for whoever knows contracts only
directory/    the directory as a node uses it: at its beginning, for memories, signing keys
store/        the store: the Valkey server that a node starts, or the one that it is given
processes/    how processes live: started, ready, told, asked
catalogue     the kinds of part that a configuration may name
in_force      which plan is in force: on disk, and in a process
machine/      the data folder, users, sockets, secrets
errors        why a node cannot start or go on

Part says ready -> supervisor starts the next; HAProxy is the last, and the first to stop. The supervisor keeps no
request in its hands. Parts learn what they need from the generation's folder (a Plan without secrets) and resolve
secret references themselves, before they drop root.
"""
