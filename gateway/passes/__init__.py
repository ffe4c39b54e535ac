"""Passes, verified with no network: what a code says, who signed it, whether it is good here."""

from gateway.passes.document import DocumentError, PassesDocument, load, understand
from gateway.passes.judging import judge
from gateway.passes.trust import Judgement, Trust, subject_of

__all__ = [
    "DocumentError",
    "Judgement",
    "PassesDocument",
    "Trust",
    "judge",
    "load",
    "subject_of",
    "understand",
]
