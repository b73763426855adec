"""A stand-in for an OpenAI-compatible model server: real HTTP, real event streams, faults on request.

It knows only the request: `reading` finds in it who is to be played and what was said, `answering` writes the reply
in that character's own phrases. The same request always gets the same answer."""

from botbot.sandbox.model.control import Fault, ModelControl, Recorded, control
from botbot.sandbox.model.server import routes

__all__ = ["Fault", "ModelControl", "Recorded", "control", "routes"]
