"""In which language somebody wants to read the page."""

from typing import Final

from gateway.web import Request

LANGUAGES: Final = ("en", "zh")
"""The first is for those who want none of them."""


def language(request: Request) -> str:
    """What the address says (`?lang=zh`), else what the browser is set to."""
    chosen = request.query.get("lang")
    return chosen if chosen in LANGUAGES else _preferred(request.headers.get("accept-language", ""))


def _preferred(accepted: str) -> str:
    """The best liked of RFC 9110's `zh-CN,zh;q=0.9,en;q=0.8`; of equals the first."""
    best, most = LANGUAGES[0], 0.0
    for each in accepted.split(","):
        tag, _, weight = each.partition(";")
        tongue = tag.strip().lower().partition("-")[0]
        liking = _number(weight.strip().removeprefix("q="))
        if tongue in LANGUAGES and liking > most:
            best, most = tongue, liking
    return best


def _number(weight: str) -> float:
    try:
        return float(weight or 1)
    except ValueError:
        return 0.0
