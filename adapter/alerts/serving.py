"""Listens for the EHR on an address of its own, on a thread beside whatever else runs."""

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import ip_address
from threading import Thread

import uvicorn
from fastapi import FastAPI

from adapter.connection import Connection
from adapter.errors import UsageError

_BACKLOG = 256


def check_address(settings: Connection, host: str, *, open_to_all: bool) -> None:
    """Raises UsageError where anybody on the network could ask for cards, unless that was said explicitly."""
    if not is_loopback(host) and not settings.hooks.callers and not open_to_all:
        raise UsageError(
            f"{host} can be reached by others, and hooks.callers is empty: anybody could ask. Name the callers, "
            "listen on 127.0.0.1, or say --no-authentication"
        )


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches the address."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


@contextmanager
def listening(app: FastAPI, host: str, port: int) -> Iterator[int]:
    """Serves an app as long as the block runs; the port, chosen by the system where 0 was asked for."""
    door = _bound(host, port)
    config = uvicorn.Config(
        app, loop="asyncio", http="h11", log_config=None, access_log=False, lifespan="off", server_header=False
    )
    server = uvicorn.Server(config)
    thread = Thread(target=server.run, kwargs={"sockets": [door]}, daemon=True)
    thread.start()
    try:
        while not server.started and thread.is_alive():
            time.sleep(0.01)
        yield door.getsockname()[1]
    finally:
        server.should_exit = True
        thread.join(10)
        door.close()


def _bound(host: str, port: int) -> socket.socket:
    try:
        door = socket.create_server((host, port), backlog=_BACKLOG, family=_family(host))
    except OSError as error:
        raise UsageError(f"{host}:{port} cannot be listened on: {error.strerror}; write another --answer") from None
    door.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # asyncio does not do it here: 40 ms an answer
    return door


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET
