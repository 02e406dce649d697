"""The parts of a node that are programs of ours, each a process: `python -m sumun.node.parts.answer`.

program     what every one of them does alike: arguments, plan, secrets, dropping root, serving until told to stop
answer      HAProxy's questions over SPOE
http        the OAuth server and the metrics, over HTTP; site: a generation takes its place there; head_only: uvicorn's
            parser without one mistake
keeper      writes what HAProxy may know, and cuts its streams

They learn what they need from the generation's folder (a Plan without secrets) and from the supervisor.
"""
