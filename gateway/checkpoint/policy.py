"""A policy as decisions use it: plain structures, made once of what a file or a document says."""

from collections.abc import Mapping
from datetime import tzinfo
from typing import Any

from msgspec import Struct
from msgspec.json import encode

from drivers.base import Quality
from gateway.checkpoint.moments import MINUTES_A_DAY, local
from gateway.checkpoint.options import (
    Admit,
    Breach,
    EntryRule,
    ExitRule,
    Need,
    PolicyDocument,
    Unsync,
    Watched,
)
from gateway.events import Class, Direction, Fever

Spans = tuple[tuple[int, int], ...]
"""Minutes of the day, from and to; over midnight where `to` is not the greater one."""


class Rule(Struct, frozen=True):
    """What holds for people of one class who go one way; see `EntryRule` and `ExitRule`."""

    admit: Admit
    needs: frozenset[Need]
    hours: Spans
    passback: Breach = Breach.OFF
    when_late: Breach = Breach.OFF
    per_day: int | None = None
    over: Breach = Breach.OFF
    back_by: int | None = None
    back_within_min: float | None = None

    @property
    def has_return(self) -> bool:
        """Whether they are to be back in time."""
        return self.back_by is not None or self.back_within_min is not None

    def open_at(self, minute: int) -> bool:
        """Whether one may pass at this minute of the local day."""
        return not self.hours or any(
            first <= minute < last if first < last else minute >= first or minute < last
            for first, last in self.hours
        )


class Policy(Struct, frozen=True):
    """Who may pass, which way, and when. Without a document the built-in one applies."""

    version: str
    """Every passage names it."""
    entry: Mapping[Class, Rule]
    exit: Mapping[Class, Rule]
    remembered: frozenset[Class]
    """Of whom it must be known whether they are inside, and how often they went out."""
    day_begins: int
    """Minute of the local day."""
    unsync_passes: bool
    watched_pass: bool
    repeat_s: float
    threshold_celsius: float
    invalid_below_celsius: float
    rechecks: int
    recheck_wait_s: float
    recheck_forget_s: float
    passback_forget_s: float
    passback_daily: bool
    override_roles: frozenset[str]
    override_within_s: float
    override_reason: str
    card_required: bool
    not_overridden: frozenset[str]
    cards: Mapping[str, str]
    """What is printed on a reason card → the word for it, which goes into `ScanData.note`."""

    def rule(self, direction: Direction, class_: Class) -> Rule:
        """What holds for people of this class who go this way."""
        return (self.entry if direction is Direction.ENTRY else self.exit)[class_]

    def fever(self, celsius: float, quality: Quality) -> Fever:
        """What a reported value means, be it of a surface or of a body: nothing is converted."""
        if quality is Quality.INVALID or not celsius >= self.invalid_below_celsius:
            return Fever.INVALID
        return Fever.NORMAL if celsius < self.threshold_celsius else Fever.RE_CHECK

    def day(self, wall_ms: int, zone: tzinfo) -> int:
        """The number of the day by which outings are counted."""
        day, minute = local(wall_ms, zone)
        return day - (minute < self.day_begins)


def of_document(body: Mapping[str, Any], version: str) -> Policy:
    """The policy that `body` describes.

    Raises:
        pydantic.ValidationError: it describes none.
    """
    return compiled(PolicyDocument.model_validate_json(encode(body), strict=True), version)


def compiled(document: PolicyDocument, version: str) -> Policy:
    """The policy that `document` describes."""
    fever, override = document.fever, document.override
    entry = {_class(name): _entry(rule) for name, rule in document.entry}
    exits = {_class(name): _exit(rule) for name, rule in document.exit}
    return Policy(
        version=version,
        entry=entry,
        exit=exits,
        remembered=frozenset(each for each in Class if _remembers(entry[each], exits[each])),
        day_begins=_minute(document.day_begins),
        unsync_passes=document.when_unsync is Unsync.ALLOW,
        watched_pass=document.watched is not Watched.REFUSE,
        repeat_s=document.repeat_s,
        threshold_celsius=fever.threshold_celsius,
        invalid_below_celsius=fever.invalid_below_celsius,
        rechecks=fever.rechecks,
        recheck_wait_s=fever.wait_min * 60,
        recheck_forget_s=fever.forget_min * 60,
        passback_forget_s=document.passback.forget_min * 60,
        passback_daily=document.passback.daily,
        override_roles=frozenset(override.roles),
        override_within_s=override.within_s,
        override_reason=override.reason,
        card_required=override.card_required,
        not_overridden=frozenset(override.not_for),
        cards=dict(override.cards),
    )


def _class(field: str) -> Class:
    return Class(field.replace("_", "-"))


def _entry(rule: EntryRule) -> Rule:
    return Rule(
        admit=rule.admit,
        needs=frozenset(rule.needs),
        hours=_spans(rule.hours),
        passback=rule.passback,
        when_late=rule.when_late,
    )


def _exit(rule: ExitRule) -> Rule:
    return Rule(
        admit=rule.admit,
        needs=frozenset(rule.needs),
        hours=_spans(rule.hours),
        per_day=rule.per_day,
        over=rule.over,
        back_by=None if rule.back_by is None else _minute(rule.back_by),
        back_within_min=rule.back_within_min,
    )


def _spans(hours: tuple[str, ...]) -> Spans:
    pairs = (each.split("-") for each in hours)
    return tuple((_minute(first), _minute(last)) for first, last in pairs)


def _minute(time: str) -> int:
    """24:00 is the end of the day."""
    hours, minutes = time.split(":")
    return min(int(hours) * 60 + int(minutes), MINUTES_A_DAY)


def _remembers(entry: Rule, exit_: Rule) -> bool:
    counted = entry.passback is not Breach.OFF or exit_.per_day is not None
    return counted or exit_.has_return


BUILT_IN = compiled(PolicyDocument(), "built-in")
"""What applies until another policy does."""
