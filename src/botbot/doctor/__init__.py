"""Checks every setting, the machine, and every peer; says what is wrong and how to mend it."""

from botbot.doctor.checkup import examine, example
from botbot.doctor.findings import FINDINGS, Finding

__all__ = ["FINDINGS", "Finding", "examine", "example"]
