"""Other health codes: told by how they begin, and never judged."""

from collections.abc import Iterable


def matches(payload: bytes, patterns: Iterable[bytes]) -> bool:
    """Whether `payload` begins as one of `patterns`, in which `*` stands for anything; capital and
    small letters are the same."""
    text = payload.lower()
    return any(_begins(text, pattern) for pattern in patterns)


def _begins(text: bytes, pattern: bytes) -> bool:
    first, *others = pattern.split(b"*")
    if not text.startswith(first):
        return False
    at = len(first)
    for each in others:  # the nearest is as good as any: so no text takes long
        found = text.find(each, at)
        if found < 0:
            return False
        at = found + len(each)
    return True
