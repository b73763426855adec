"""The model: a streaming client of any OpenAI-compatible server."""

from botbot.peers.llm.breaker import Breaker
from botbot.peers.llm.client import Deadlines, ModelClient, ReplyStream
from botbot.peers.llm.messages import Message, Reply, Usage, estimate_usage

__all__ = ["Breaker", "Deadlines", "Message", "ModelClient", "Reply", "ReplyStream", "Usage", "estimate_usage"]
