"""Discord's rate limits, obeyed before they are met.

Discord publishes no numbers; its answers name a bucket (`X-RateLimit-Bucket`), what is left of it and when it starts
anew. Buckets are shared between routes and separate for each top-level id (channel, guild, webhook) and each token.
Over them all lies one number that is published: 50 requests a second for each token. Four rules follow:

* Nothing is known about a new bucket, so its first call goes alone and the others wait for what its answer says.
* A call counts against the bucket when it leaves. An answer's `Remaining` doesn't know of calls still on their way,
  so those are taken off again. This errs on the slow side and mends itself with the next answer.
* No token is used more than 45 times in any second, so that neither a slow network that bunches calls together nor a
  second process with little to say meets the 50. Processes don't know of each other: where several are busy, the first
  global 429 tells them, each halves its pace, and finds its share again by one call a second more every few seconds.
* A wait of up to two seconds is waited out here. Longer ones raise `DiscordBusy` with nothing sent: whoever asked has
  a row that can say "in about four minutes", and we don't.

Apart from that, Discord bars an address after 10,000 answers of 401, 403 or 429 in ten minutes. `InvalidRequests`
counts them for the whole process, and nothing is asked any more at a fraction of that.

All times are the loop's monotonic clock, so a moved wall clock neither frees nor blocks anything."""

import asyncio
import logging
import math
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field

import httpx2
import msgspec

from botbot.peers.discord.ask import Ask
from botbot.peers.discord.line import Answer
from botbot.peers.discord.wire import Nonsense, RateLimitBody, decode

log = logging.getLogger("botbot.discord")

PATIENCE_SECONDS = 2.0
MARGIN_SECONDS = 0.01
"""Discord rounds `Reset-After` to milliseconds; a hair later is always right."""
SAME_WINDOW_SECONDS = 0.5
LONGEST_LOCK_SECONDS = 86_400.0
BAN_SECONDS = 60.0
"""How long to stay away after a 429 that says nothing: not Discord's API, but the network in front of it."""
EVERYBODY = "*"
MOST_BUCKETS = 5_000
GLOBAL_PER_SECOND = 45
"""Discord allows 50. Source: Discord docs, topics/rate-limits, global rate limit."""
LEAST_PER_SECOND = 5
GROW_EVERY_SECONDS = 5.0
INVALID_WINDOW_SECONDS = 600.0
NON_ESSENTIAL_UNTIL = 1_000
"""So many invalid answers stop what can be spared."""
NOTHING_UNTIL = 2_500
"""So many stop everything: web, worker and bot behind one address stay below 10,000 together."""


@dataclass(slots=True)
class Bucket:
    """`limit` is None while no answer has carried limits; `known` says that an answer has come at all."""

    known: bool = False
    limit: int | None = None
    remaining: int = 0
    reset_at: float = 0.0
    blocked_until: float = 0.0
    in_flight: int = 0
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    def wait_seconds(self, now: float) -> float | None:
        """0 to go now, a number to wait that long, None to wait until a call on its way has answered."""
        if self.blocked_until > now:
            return self.blocked_until - now
        if not self.known:
            return None if self.in_flight else 0.0
        if self.limit is None or self.remaining > 0:
            return 0.0
        if self.reset_at > now:
            return self.reset_at - now
        self.remaining = max(self.limit - self.in_flight, 0)
        return 0.0 if self.remaining or not self.in_flight else None

    def enter(self) -> None:
        self.in_flight += 1
        self.remaining -= 1

    def leave(self) -> None:
        self.in_flight -= 1
        self.changed.set()
        self.changed = asyncio.Event()

    def is_idle(self, now: float) -> bool:
        return not self.in_flight and max(self.reset_at, self.blocked_until) <= now


@dataclass(frozen=True, slots=True)
class TooBusy:
    """The call may not leave for so many seconds."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Slowdown:
    """What a 429 says. `scope`: user, shared, global, or `ban` where no API of Discord's answered."""

    seconds: float
    scope: str


class InvalidRequests:
    """Counts 401, 403 and 429 in the last ten minutes. One for the whole process: the bar is on our address."""

    def __init__(self) -> None:
        self._moments: deque[float] = deque(maxlen=20_000)
        self._is_resting = False

    def add(self, now: float) -> None:
        self._moments.append(now)

    def count(self, now: float) -> int:
        while self._moments and self._moments[0] <= now - INVALID_WINDOW_SECONDS:
            self._moments.popleft()
        return len(self._moments)

    def rest_seconds(self, now: float) -> float:
        """How long nothing may be asked at all; 0 as long as there were few."""
        count = self.count(now)
        wait = self._moments[count - NOTHING_UNTIL] + INVALID_WINDOW_SECONDS - now if count >= NOTHING_UNTIL else 0.0
        if bool(wait) != self._is_resting:
            self._is_resting = bool(wait)
            _say_resting(count, wait)
        return wait


def _say_resting(count: int, wait: float) -> None:
    if wait:
        log.error("Discord refused %s calls in ten minutes; none is made for %.0f s, or it bars us.", count, wait)
    else:
        log.warning("Discord is asked again.")


class Pace:
    """At most `GLOBAL_PER_SECOND` calls in any second, by the moments of the last ones; fewer after a global 429."""

    def __init__(self) -> None:
        self._left: deque[float] = deque(maxlen=GLOBAL_PER_SECOND)
        self._share = GLOBAL_PER_SECOND
        self._halved_at: float | None = None

    def share(self, now: float) -> int:
        """How many calls a second are ours at present."""
        if self._halved_at is None:
            return GLOBAL_PER_SECOND
        return min(GLOBAL_PER_SECOND, self._share + int((now - self._halved_at) / GROW_EVERY_SECONDS))

    def wait_seconds(self, now: float) -> float:
        share = self.share(now)
        if len(self._left) < share:
            return 0.0
        return max(self._left[-share] + 1.0 - now, 0.0)

    def halve(self, now: float) -> None:
        """Somebody else uses the token too. The answers to calls that were on their way count as one."""
        if self._halved_at is None or now - self._halved_at > 1.0:
            self._share, self._halved_at = max(self.share(now) // 2, LEAST_PER_SECOND), now

    def enter(self, now: float) -> None:
        self._left.append(now)

    def is_idle(self, now: float) -> bool:
        return not self._left or self._left[-1] + 1.0 <= now


class Limits:
    """`invalid` is shared by everything in the process that asks Discord; alone, it counts for itself."""

    def __init__(self, invalid: InvalidRequests | None = None) -> None:
        self.invalid = invalid or InvalidRequests()
        self._names: dict[str, str] = {}
        self._buckets: dict[tuple[str, str], Bucket] = {}
        self._paces: dict[str, Pace] = {}
        self._locked_until: dict[str, float] = {}

    async def enter(self, ask: Ask) -> Bucket | TooBusy:
        """Wait for a place. Whoever gets a bucket must `leave` it, whatever becomes of the call."""
        loop = asyncio.get_running_loop()
        give_up_at = loop.time() + PATIENCE_SECONDS
        while True:
            now = loop.time()
            bucket, pace = self._bucket(ask), self._pace(ask)
            wait = self._lock_seconds(ask.subject, now) or bucket.wait_seconds(now)
            if wait == 0.0 or (wait is None and now >= give_up_at):
                wait = pace.wait_seconds(now)  # last, so that only who really goes takes a place
            if wait == 0.0:
                bucket.enter()
                pace.enter(now)
                return bucket
            if wait is not None and now + wait > give_up_at:
                return TooBusy(wait)
            await _pause(bucket, give_up_at - now if wait is None else wait, wait is None)

    def learn(self, ask: Ask, answer: Answer) -> Slowdown | None:
        """Note what an answer says about limits; the slowdown if it is a 429."""
        now = asyncio.get_running_loop().time()
        self._rename(ask, answer.headers)
        bucket = self._bucket(ask)
        if answer.status < 500:
            bucket.known = True
        _note_window(bucket, answer.headers, now)
        slowdown = read_slowdown(answer) if answer.status == 429 else None
        if slowdown:
            self._block(ask, bucket, slowdown, now)
        if is_invalid(answer):
            self.invalid.add(now)
        return slowdown

    def _bucket(self, ask: Ask) -> Bucket:
        key = (self._names.get(ask.route_key, ask.route_key), ask.top_level)
        if key not in self._buckets:
            self._forget_idle()
            self._buckets[key] = Bucket()
        return self._buckets[key]

    def _pace(self, ask: Ask) -> Pace:
        if ask.subject not in self._paces:
            self._forget_idle()
            self._paces[ask.subject] = Pace()
        return self._paces[ask.subject]

    def _rename(self, ask: Ask, headers: httpx2.Headers) -> None:
        """The first answer tells the bucket's real name. What we know of this id's calls moves along with it."""
        name = headers.get("x-ratelimit-bucket", "")[:100]
        if not name or self._names.get(ask.route_key) == name:
            return
        old = self._buckets.pop((self._names.get(ask.route_key, ask.route_key), ask.top_level), None)
        self._names[ask.route_key] = name
        if old is not None:
            self._buckets.setdefault((name, ask.top_level), old)

    def _forget_idle(self) -> None:
        if max(len(self._buckets), len(self._paces)) < MOST_BUCKETS:
            return
        now = asyncio.get_running_loop().time()
        self._paces = {who: pace for who, pace in self._paces.items() if not pace.is_idle(now)}
        self._buckets = {key: bucket for key, bucket in self._buckets.items() if not bucket.is_idle(now)}
        self._locked_until = {who: until for who, until in self._locked_until.items() if until > now}

    def _lock_seconds(self, subject: str, now: float) -> float:
        until = max(self._locked_until.get(subject, 0.0), self._locked_until.get(EVERYBODY, 0.0))
        return max(until - now, self.invalid.rest_seconds(now), 0.0)

    def _block(self, ask: Ask, bucket: Bucket, slowdown: Slowdown, now: float) -> None:
        until = now + min(slowdown.seconds, LONGEST_LOCK_SECONDS) + MARGIN_SECONDS
        if slowdown.scope == "ban":
            self._locked_until[EVERYBODY] = max(until, self._locked_until.get(EVERYBODY, 0.0))
        elif slowdown.scope == "global":
            self._locked_until[ask.subject] = max(until, self._locked_until.get(ask.subject, 0.0))
            self._pace(ask).halve(now)
        else:
            bucket.blocked_until = max(until, bucket.blocked_until)


async def _pause(bucket: Bucket, seconds: float, until_changed: bool) -> None:
    if not until_changed:
        await asyncio.sleep(seconds)
        return
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await bucket.changed.wait()


def _note_window(bucket: Bucket, headers: httpx2.Headers, now: float) -> None:
    limit, remaining = (_number(headers.get(f"x-ratelimit-{name}")) for name in ("limit", "remaining"))
    reset_after = _number(headers.get("x-ratelimit-reset-after"))
    if limit is None or remaining is None or reset_after is None:
        return
    left = int(remaining) - max(bucket.in_flight - 1, 0)  # the answered call is counted already
    reset_at = now + min(reset_after, LONGEST_LOCK_SECONDS) + MARGIN_SECONDS
    is_same_window = bucket.limit is not None and abs(reset_at - bucket.reset_at) < SAME_WINDOW_SECONDS
    bucket.remaining = min(left, bucket.remaining) if is_same_window else left  # answers may overtake each other
    bucket.limit = max(int(limit), 1)
    bucket.reset_at = reset_at


def is_invalid(answer: Answer) -> bool:
    """Whether Discord counts this answer towards the bar; a limit that others used up (`shared`) it doesn't."""
    if answer.status == 429:
        return read_slowdown(answer).scope != "shared"
    return answer.status in {401, 403}


def read_slowdown(answer: Answer) -> Slowdown:
    """A 429 in any of its dresses: Discord's JSON, or a page of the network in front of it."""
    header = _number(answer.headers.get("retry-after"))
    try:
        body = decode(answer.body, RateLimitBody)
    except Nonsense:
        return Slowdown(BAN_SECONDS if header is None else header, "ban")
    is_global = body.is_global or "x-ratelimit-global" in answer.headers
    scope = "global" if is_global else answer.headers.get("x-ratelimit-scope", "user")
    return Slowdown(max(body.retry_after, 0.0), scope)


def _number(text: str | None) -> float | None:
    """A header's number; None if it is absent, negative or no number (`Retry-After` may be a date)."""
    with suppress(ValueError, msgspec.MsgspecError):
        value = float(text or "")
        return value if math.isfinite(value) and value >= 0 else None
    return None
