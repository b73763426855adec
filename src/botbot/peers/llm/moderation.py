"""A client of `POST {base}/moderations`, in OpenAI's shape. Source: OpenAI's OpenAPI document, `createModeration`.

Many compatible servers have no such route: that is learned from the first answer, and they are left alone for an hour.
One that fails is left alone too, for a little while, so that it costs nobody its deadline again and again. No text is
ever logged, and nothing the server writes but names and numbers is used."""

import asyncio
import logging
from collections.abc import Mapping

import aiohttp
import msgspec

from botbot.peers.llm import failures
from botbot.peers.llm.events import TooLarge
from botbot.peers.llm.line import open_session, proxy_for
from botbot.settings import Settings

log = logging.getLogger("botbot.moderation")

DEADLINE_SECONDS = 2.0
ABSENT_SECONDS = 3600.0
REFUSED_SECONDS = 600.0
RESTING_SECONDS = 30.0
FAILURES_IN_A_ROW = 2
LONGEST_REST_SECONDS = 300.0
ABSENT = frozenset({404, 405, 501})
REFUSED = frozenset({401, 403})
MAX_CHARACTERS = 16_000
MAX_BODY_BYTES = 256 * 1024

Opinion = Mapping[str, float]
"""The flagged categories, as the provider names them, with their scores (0–1; 1 where it gives none)."""


class _Result(msgspec.Struct):
    flagged: bool
    categories: dict[str, bool | None] = {}
    category_scores: dict[str, float | None] = {}


class _Answer(msgspec.Struct):
    results: list[_Result]


class ModerationClient:
    """One per process; safe for many calls at once. Close it with `aclose`."""

    def __init__(self, settings: Settings, *, deadline_seconds: float = DEADLINE_SECONDS) -> None:
        self._base_url = settings.effective_openai_base_url
        self._key = settings.openai_api_key
        self._deadline_seconds = deadline_seconds
        self._left_alone_until = 0.0
        self._failures = 0
        self._proxy = proxy_for(self._base_url)
        self._session: aiohttp.ClientSession | None = None

    @property
    def is_asking(self) -> bool:
        """Whether a text would be sent now: there is a server, and it is not being left alone."""
        return bool(self._base_url) and asyncio.get_running_loop().time() >= self._left_alone_until

    async def opinion_of(self, text: str) -> Opinion | None:
        """What is flagged in `text` (of a longer one, its first 16,000 characters); `None` if the server can't say."""
        if not text.strip() or not self.is_asking:
            return None
        if self._session is None:  # Opened late, since many houses never ask.
            self._session = open_session()
        try:
            async with asyncio.timeout(self._deadline_seconds):
                status, headers, body = await self._post(self._session, text[:MAX_CHARACTERS])
            if status == 200:
                opinion = _read(body)
                self._failures = 0
                return opinion
            self._learn_from(status, headers)
        except (*failures.TRANSPORT_FAULTS, ValueError):  # such as a key that no header can carry
            self._learn_failure()
        return None

    async def aclose(self) -> None:
        if self._session is not None:
            await self._session.close()

    async def _post(self, session: aiohttp.ClientSession, text: str) -> tuple[int, Mapping[str, str], bytes]:
        headers = {"Content-Type": "application/json", "User-Agent": "BotBot"}
        if self._key:
            headers["Authorization"] = f"Bearer {self._key}"
        question = msgspec.json.encode({"input": _encodable(text)})
        response = await session.post(
            f"{self._base_url}/moderations", data=question, headers=headers, proxy=self._proxy, allow_redirects=False
        )
        try:
            return response.status, response.headers, await _body(response)
        finally:
            response.close()  # Lets go of a connection only where the body was not read to its end.

    def _learn_from(self, status: int, headers: Mapping[str, str]) -> None:
        if status in ABSENT:
            self._leave_alone(ABSENT_SECONDS)
            log.info("the model's server has no moderation of its own (%s); the local rules judge alone", status)
        elif status in REFUSED:
            self._leave_alone(REFUSED_SECONDS)
            log.warning("the model's server refuses moderation (%s); the local rules judge alone", status)
        elif status == 429:
            self._leave_alone(min(failures.retry_after(headers) or RESTING_SECONDS, LONGEST_REST_SECONDS))
        elif status not in failures.ABOUT_ONE_REQUEST:
            self._learn_failure()

    def _learn_failure(self) -> None:
        """It said nothing we could use. The second time in a row it gets a rest."""
        self._failures += 1
        if self._failures >= FAILURES_IN_A_ROW:
            self._leave_alone(RESTING_SECONDS)
            log.warning("moderation does not answer; the local rules judge alone for a while")

    def _leave_alone(self, seconds: float) -> None:
        self._left_alone_until = asyncio.get_running_loop().time() + seconds


def _read(body: bytes) -> Opinion:
    """Raises `msgspec.MsgspecError` for anything that is not an answer."""
    results = msgspec.json.decode(body, type=_Answer).results
    found: dict[str, float] = {}
    for result in results:
        if result.flagged:
            flagged = [name for name, is_so in result.categories.items() if is_so] or ["flagged"]
            for name in flagged:
                score = result.category_scores.get(name)
                found[name[:60]] = max(found.get(name[:60], 0.0), 1.0 if score is None else score)
    return found


async def _body(response: aiohttp.ClientResponse) -> bytes:
    """Raises `TooLarge` beyond 256 KiB."""
    body = bytearray()
    async for piece in response.content.iter_any():
        body += piece
        if len(body) > MAX_BODY_BYTES:
            raise TooLarge
    return bytes(body)


def _encodable(text: str) -> str:
    """Lone surrogates are no Unicode text, and can't be sent."""
    return text.encode("utf-8", "replace").decode()
