"""The demo shop: what `make demo` shows, made of real parts.

shop                   the node with the shop's configuration and people; prints what to try
settings               the shop's sumun.yaml
services               little real services that echo the identity they are told: REST, SSE, WebSocket, gRPC
my                     the shop's own pages, for people with a browser; page: how they look
web                    an application of somebody else's, which logs people in with their browser
identity               how a service reads and verifies what the gateway tells it
words                  what it prints, in English and Korean
authentication_server  a process of its own that knows dave and nothing of tokens

Only `cli` imports this folder; nothing here is used by a production node.
"""
