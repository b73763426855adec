"""What crosses the wire about the desk."""

from typing import Annotated

import msgspec
from msgspec import Meta

from botbot.admin.paging import PanelPagination
from botbot.desk.queries import Case, DecisionOut, Subject
from botbot.desk.rules import LONGEST_WORDS


class CasesOut(msgspec.Struct, rename="camel"):
    cases: list[Case]
    pagination: PanelPagination


class DecisionIn(msgspec.Struct, rename="camel"):
    """`verdict` and `reason` are codes (docs/api/desk.md); `words` are for those concerned. With `stopDeployments` a
    takedown also takes the personality out of its servers."""

    verdict: str
    reason: str
    words: Annotated[str, Meta(max_length=LONGEST_WORDS)] = ""
    stop_deployments: bool = False


class Decided(msgspec.Struct, rename="camel"):
    """What a decision did. `stopped` is how many deployments leave their servers for it."""

    id: str
    subject: Subject
    stopped: int


class Passed(msgspec.Struct, rename="camel"):
    decision: DecisionOut
    subject: Subject


class DecisionsOut(msgspec.Struct, rename="camel"):
    decisions: list[Passed]
    pagination: PanelPagination
