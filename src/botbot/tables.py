"""Knows every room's tables, for migrations and for the test that holds them against the models."""

from sqlalchemy import MetaData

from botbot.accounts import models as accounts
from botbot.agents import models as agents
from botbot.audit import models as audit
from botbot.bot import models as bot
from botbot.catalog import models as catalog
from botbot.db import Base
from botbot.deployments import models as deployments
from botbot.desk import models as desk
from botbot.exchange import models as exchange
from botbot.jobs import models as jobs
from botbot.privacy import models as privacy
from botbot.reviews import models as reviews
from botbot.status import models as status
from botbot.usage import models as usage

ROOMS = (accounts, agents, audit, bot, catalog, deployments, desk, exchange, jobs, privacy, reviews, status, usage)


def metadata() -> MetaData:
    return Base.metadata
