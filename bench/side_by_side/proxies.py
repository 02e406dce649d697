"""What sumun is measured beside: the upstream that all share, a bare nginx and a bare HAProxy in front of it.

Both write one JSON line a request to a file, unbuffered, as sumun does. Both have one worker with one thread.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_NGINX = """
worker_processes 1; daemon off; pid {folder}/{name}.pid; error_log {folder}/{name}.err;
events {{ worker_connections 4000; }}
http {{
  keepalive_requests 100000000; keepalive_timeout 300s;
  client_body_temp_path {folder}/tmp; proxy_temp_path {folder}/tmp; fastcgi_temp_path {folder}/tmp;
  uwsgi_temp_path {folder}/tmp; scgi_temp_path {folder}/tmp;
  {body}
}}
"""
_UPSTREAM = """
  access_log off;
  server {{ listen 127.0.0.1:{port} backlog=4096; location / {{ default_type text/plain; return 200 "200 ok\\n"; }} }}
"""
_BARE_NGINX = """
  log_format line escape=json '{{"t":$msec,"id":"$request_id","src":"$remote_addr","m":"$request_method",'
    '"host":"$host","path":"$uri","st":$status,"be":"$upstream_addr","bytes":$bytes_sent,"tr":$upstream_response_time,'
    '"tc":$upstream_connect_time,"ta":$request_time}}';
  access_log {folder}/nginx-access.log line;
  upstream service {{ server 127.0.0.1:{upstream}; keepalive 128; keepalive_requests 100000000; }}
  server {{
    listen 127.0.0.1:{port} backlog=4096;
    location / {{ proxy_pass http://service; proxy_http_version 1.1; proxy_set_header Connection ""; }}
  }}
"""
_BARE_HAPROXY = """
global
  nbthread 1
  maxconn 4000
  log stdout format raw local0
defaults
  mode http
  timeout client 30s
  timeout server 30s
  timeout connect 5s
  http-reuse always
frontend bare
  bind 127.0.0.1:{port}
  log global
  unique-id-format %[uuid]
  http-request set-var(txn.path) path
  http-request set-var(txn.host) req.hdr(host)
  log-format '{{"t":%Ts.%ms,"id":"%[unique-id]","src":"%ci","lst":"%f","m":"%HM","host":"%[var(txn.host),json(utf8s)]",\
"path":"%[var(txn.path),json(utf8s)]","be":"%b","st":%ST,"bytes":%B,"tr":%TR,"tw":%Tw,"tc":%Tc,"ts":%Tr,"ta":%Ta,"end":"%ts"}}'
  default_backend service
backend service
  server one 127.0.0.1:{upstream}
"""


@contextmanager
def nginx(folder: Path, name: str, body: str, core: int, port: int) -> Iterator[int]:
    """A running nginx; gives the process id of its master."""
    file = folder / f"{name}.conf"
    file.write_text(_NGINX.format(folder=folder, name=name, body=body))
    (folder / "tmp").mkdir(exist_ok=True)
    with _running([_program("nginx"), "-c", str(file), "-e", f"{folder}/{name}.err"], core, port) as pid:
        yield pid


@contextmanager
def upstream(folder: Path, port: int, core: int) -> Iterator[int]:
    """The service behind all gateways: nginx, which answers 200 and a few bytes to everything."""
    with nginx(folder, "upstream", _UPSTREAM.format(port=port), core, port) as pid:
        yield pid


@contextmanager
def bare_nginx(folder: Path, port: int, upstream_port: int, core: int) -> Iterator[int]:
    """nginx as a reverse proxy and nothing else."""
    body = _BARE_NGINX.format(folder=folder, port=port, upstream=upstream_port)
    with nginx(folder, "nginx", body, core, port) as pid:
        yield pid


@contextmanager
def bare_haproxy(folder: Path, port: int, upstream_port: int, core: int) -> Iterator[int]:
    """HAProxy as a reverse proxy and nothing else."""
    file = folder / "haproxy.cfg"
    file.write_text(_BARE_HAPROXY.format(port=port, upstream=upstream_port))
    with (folder / "haproxy-access.log").open("ab") as log:
        words = [os.environ.get("HAPROXY") or _program("haproxy"), "-f", str(file)]
        with _running(words, core, port, log.fileno()) as pid:
            yield pid


def versions() -> dict[str, str]:
    """What is measured beside what."""
    asked = {
        "nginx": [_program("nginx"), "-v"],
        "haproxy": [os.environ.get("HAPROXY") or _program("haproxy"), "-v"],
    }
    said = {
        name: subprocess.run(words, capture_output=True, text=True, check=False)
        for name, words in asked.items()
    }
    return {name: (one.stdout + one.stderr).splitlines()[0] for name, one in said.items()}


def _program(name: str) -> str:
    found = shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    if found is None:
        raise SystemExit(f"{name} is not installed")
    return found


@contextmanager
def _running(words: list[str], core: int, port: int, stdout: int = subprocess.DEVNULL) -> Iterator[int]:
    process = subprocess.Popen(["taskset", "-c", str(core), *words], stdout=stdout, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 10
        while True:
            with socket.socket() as one:
                if one.connect_ex(("127.0.0.1", port)) == 0:
                    break
            if process.poll() is not None or time.monotonic() > deadline:
                raise SystemExit(f"{words[0]} does not start")
            time.sleep(0.05)
        yield process.pid
    finally:
        process.terminate()
        process.wait(10)
