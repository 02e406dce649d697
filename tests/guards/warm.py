"""What a test of a taken guard needs that is none of ours, imported once: the process that each of them is forked from."""

from __future__ import annotations

import asyncio  # noqa: F401
import sqlite3  # noqa: F401

import cryptography.hazmat.primitives.asymmetric.ec
import cryptography.x509  # noqa: F401
import httpx2  # noqa: F401
import jinja2  # noqa: F401
import joserfc.jwt  # noqa: F401
import msgspec  # noqa: F401
import prometheus_client  # noqa: F401
import pydantic  # noqa: F401
import pytest  # noqa: F401
import sqlalchemy.dialects.sqlite.pysqlite  # noqa: F401
import valkey.asyncio  # noqa: F401
import yaml  # noqa: F401
