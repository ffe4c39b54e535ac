"""Who is there: tells a code that has just come from one that is still held up."""

from collections.abc import Iterable


class Presence:
    """Counts a content as new when it has not been seen for ``gone_after_s``.

    A code that flickers while somebody holds it stays one; codes that alternate are each told
    once; the same code shown again after the pause is somebody's next visit. Knows no clock: the
    time of each look is an argument, in seconds, never going back.
    """

    # A gate sees a few codes a minute. Whoever shows more than this at once is playing, and what
    # he gains is that some of his codes are reported twice.
    MOST = 256

    def __init__(self, gone_after_s: float) -> None:
        self._gone_after_s = gone_after_s
        self._seen_s: dict[bytes, float] = {}  # oldest first

    def look(self, contents: Iterable[bytes], now_s: float) -> list[bytes]:
        """Take what is shown now; return what has just come, each content once."""
        self._forget(now_s)
        new = []
        for content in contents:
            if self._seen_s.pop(content, None) is None:
                new.append(content)
            self._seen_s[content] = now_s
        while len(self._seen_s) > self.MOST:
            del self._seen_s[next(iter(self._seen_s))]
        return new

    def _forget(self, now_s: float) -> None:
        while self._seen_s:
            content, seen_s = next(iter(self._seen_s.items()))
            if now_s - seen_s < self._gone_after_s:
                return
            del self._seen_s[content]
