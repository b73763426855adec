"""Whom we believe when we call somebody."""

import ssl
from functools import cache

import httpx2


@cache
def trusted() -> ssl.SSLContext:
    """The usual authorities, read once for the process: the list takes 20 ms each time."""
    return httpx2.create_ssl_context()
