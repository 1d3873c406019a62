"""Kalshi's live feed: connects, signs, re-connects and says what it knows as events."""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections.abc import AsyncIterator, Callable, Sequence
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException
from websockets.frames import Frame
from websockets.http11 import Response

from console.domain.events import Event, FeedLost, FeedProved
from console.domain.market import Ticker
from console.domain.ports import Clock
from console.exchange.clock import ServerClock, date_ms
from console.exchange.feed_events import Lifecycles
from console.exchange.hosts import Connection
from console.exchange.session import FeedSession, SessionLostError
from console.exchange.signing import Signer

_OPEN_TIMEOUT_S = 5.0
# A line without even a pong for 20 s is dead.
_PING_EVERY_S = 5.0
_PONG_WITHIN_S = 15.0
_CLOSE_TIMEOUT_S = 1.0
_LARGEST_MESSAGE = 8 * 1024 * 1024
_QUEUED_MESSAGES = 1024
_PROVE_EVERY_S = 0.5
_FIRST_BACKOFF_S = 0.25
_LONGEST_BACKOFF_S = 10.0
_HEALTHY_S = 60.0
_NS_PER_S = 1_000_000_000
