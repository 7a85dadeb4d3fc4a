"""The dossiers behind the cards of the last hour, in memory only. Their address is all that opens them."""

import secrets
import zlib
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock

LIFE = 3600
"""Seconds that a dossier can be opened."""
MOST = 1000


@dataclass(slots=True)
class Dossiers:
    """At most MOST, the oldest go first. `clock` in seconds."""

    clock: Callable[[], float]
    _kept: OrderedDict[str, tuple[float, bytes]] = field(default_factory=OrderedDict)
    _lock: Lock = field(default_factory=Lock)

    def keep(self, text: str) -> str:
        """The key of a dossier, 256 bits of chance."""
        key = secrets.token_urlsafe(32)
        with self._lock:
            self._kept[key] = (self.clock() + LIFE, zlib.compress(text.encode(), 1))
            while len(self._kept) > MOST:
                self._kept.popitem(last=False)
        return key

    def text(self, key: str) -> bytes | None:
        """The dossier of a key, None where there is none or its time is over."""
        with self._lock:
            until, packed = self._kept.get(key, (0, b""))
            if until <= self.clock():
                self._kept.pop(key, None)
                return None
            return zlib.decompress(packed)
