"""What a policy can say: its tables, as a file or a document brings them."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, StringConstraints, model_validator

from drivers.base import Line, Name, OptionTable
from gateway.checkpoint.reasons import Reason

_TIME = "([01][0-9]|2[0-3]):[0-5][0-9]"

TimeOfDay = Annotated[
    str,
    StringConstraints(pattern=rf"^{_TIME}$"),
    Field(json_schema_extra={"words": 'a time of day from "00:00" to "23:59"'}),
]
"""Local time."""

Span = Annotated[
    str,
    StringConstraints(pattern=rf"^{_TIME}-({_TIME}|24:00)$"),
    Field(json_schema_extra={"words": 'from when to when, as "06:00-22:30"'}),
]
"""Local time; over midnight if it ends before it begins."""

Minutes = Annotated[float, Field(ge=0, le=525_600)]
Seconds = Annotated[float, Field(ge=0, le=3600)]
Celsius = Annotated[float, Field(ge=30, le=45)]


class Need(StrEnum):
    """What has to be there before somebody may pass."""

    PASS = "pass"
    """A pass of this place, good at this moment."""
    REGISTRATION = "registration"
    """Whoever it is stands in the register."""
    TEMPERATURE = "temperature"
    """A measurement that is below the threshold."""
    CODE = "code"
    """A health code is shown; what it says is not judged."""


class Admit(StrEnum):
    """Whether people of a class may pass at all."""

    YES = "yes"
    NO = "no"
    DROP_OFF = "drop-off"
    """They are recorded, and leave outside what they bring."""


class Breach(StrEnum):
    """What a rule that was not kept brings about."""

    OFF = "off"
    """Nobody looks."""
    RECORD = "record"
    """The passage says so."""
    REFUSE = "refuse"
    """The passage is refused."""


class Unsync(StrEnum):
    """What holds while the clock is not right, and times cannot be judged."""

    ALLOW = "allow"
    REFUSE = "refuse"


class Watched(StrEnum):
    """What happens when somebody on the watch list shows a code."""

    ALARM = "alarm"
    REFUSE = "refuse"
    """That, and an alarm."""


Needs = Annotated[tuple[Need, ...], Field(max_length=4)]
Hours = Annotated[tuple[Span, ...], Field(max_length=12)]

PASS = (Need.PASS,)
MEASURED = (Need.PASS, Need.TEMPERATURE)
EVERYTHING = (Need.PASS, Need.REGISTRATION, Need.TEMPERATURE, Need.CODE)


class EntryRule(OptionTable):
    """`[entry.CLASS]`: what people of a class need to come in."""

    admit: Admit = Admit.YES
    """Whether they may come in at all; `drop-off`: only as far as the drop-off point."""
    needs: Needs = ()
    """Which of `pass`, `registration`, `temperature`, `code` must be there, in any order."""
    hours: Hours = ()
    """When they may come in, several spans; always without any."""
    passback: Breach = Breach.OFF
    """When the same pass comes in twice without having gone out."""
    when_late: Breach = Breach.RECORD
    """When they come back later than `[exit.CLASS]` says."""


class ResidentEntry(EntryRule):
    """`[entry.resident]`."""

    needs: Needs = MEASURED
    passback: Breach = Breach.RECORD


class VisitorEntry(EntryRule):
    """`[entry.visitor]`."""

    needs: Needs = EVERYTHING
    passback: Breach = Breach.RECORD


class MeasuredEntry(EntryRule):
    """`[entry.admission]`, `[entry.staff]`."""

    needs: Needs = MEASURED


class VehicleEntry(EntryRule):
    """`[entry.vehicle]`."""

    needs: Needs = PASS


class DeliveryEntry(EntryRule):
    """`[entry.delivery]`."""

    admit: Admit = Admit.DROP_OFF
    needs: Needs = MEASURED


class StrangerEntry(EntryRule):
    """`[entry.health-code]`, `[entry.unknown]`: codes that are no passes."""

    admit: Admit = Admit.NO

    @model_validator(mode="after")
    def _can_be_met(self) -> Self:
        if Need.PASS in self.needs and self.admit is Admit.YES:
            raise ValueError('needs: "pass" cannot be met; whoever has one is of another class')
        return self


class ExitRule(OptionTable):
    """`[exit.CLASS]`: what is asked of people of a class who go out."""

    admit: Admit = Admit.YES
    """`no`: they are refused. Whoever leaves all the same is not held: no door can be."""
    needs: Needs = ()
    """As for coming in."""
    hours: Hours = ()
    """As for coming in."""
    per_day: Annotated[int, Field(ge=1, le=1000)] | None = None
    """How often they may go out in a day; as often as they like without."""
    over: Breach = Breach.RECORD
    """When they go out more often."""
    back_by: TimeOfDay | None = None
    """When they are to be back, on the same day."""
    back_within_min: Annotated[float, Field(gt=0, le=525_600)] | None = None
    """How many minutes after they went out they are to be back."""


class Entries(OptionTable):
    """`[entry]`: by class, what people need to come in."""

    resident: ResidentEntry = ResidentEntry()
    visitor: VisitorEntry = VisitorEntry()
    admission: MeasuredEntry = MeasuredEntry()
    staff: MeasuredEntry = MeasuredEntry()
    vehicle: VehicleEntry = VehicleEntry()
    delivery: DeliveryEntry = DeliveryEntry()
    health_code: StrangerEntry = Field(default=StrangerEntry(), alias="health-code")
    unknown: StrangerEntry = StrangerEntry()


class Exits(OptionTable):
    """`[exit]`: by class, what is asked of people who go out."""

    resident: ExitRule = ExitRule()
    visitor: ExitRule = ExitRule()
    admission: ExitRule = ExitRule()
    staff: ExitRule = ExitRule()
    vehicle: ExitRule = ExitRule()
    delivery: ExitRule = ExitRule()
    health_code: ExitRule = Field(default=ExitRule(), alias="health-code")
    unknown: ExitRule = ExitRule()


class FeverRule(OptionTable):
    """`[fever]`: what a measurement means, and what follows."""

    threshold_celsius: Celsius = 37.3
    """From here on somebody is measured again; compared with the value as it was reported."""
    invalid_below_celsius: Celsius = 35.0
    """Below this it is no measurement: skin that comes in from the cold reads 33 to 34 °C."""
    rechecks: Annotated[int, Field(ge=0, le=10)] = 1
    """How often somebody is measured again before they are refused."""
    wait_min: Minutes = 5.0
    """How long they rest before each."""
    forget_min: Minutes = 240.0
    """After this long it begins anew."""

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        low, high = self.invalid_below_celsius, self.threshold_celsius
        if low >= high:
            raise ValueError(
                f"invalid_below_celsius: {low} is not below {high}, the threshold_celsius;"
                " nobody could pass"
            )
        return self


class PassbackRule(OptionTable):
    """`[passback]`: for how long it is remembered that somebody is inside."""

    forget_min: Minutes = 720.0
    """After this many minutes they may have gone out unseen."""
    daily: bool = True
    """Forget it when a new day begins, too."""


class OverrideRule(OptionTable):
    """`[override]`: a guard lets somebody in who was refused, under their own badge."""

    roles: Annotated[tuple[Name, ...], Field(max_length=20)] = ("guard",)
    """Whose badges can; none: nobody's."""
    within_s: Seconds = 60.0
    """For how long after the refusal."""
    reason: Line = "guard"
    """The reason that is recorded when no reason card is shown."""
    card_required: bool = False
    """Whether a reason card must be shown, before the badge or after it."""
    not_for: Annotated[tuple[Reason, ...], Field(max_length=50)] = ()
    """Refusals for these reasons stand."""
    cards: Annotated[dict[Line, Name], Field(max_length=50)] = Field(default_factory=dict)
    """What is printed on each reason card, and the word that is recorded for it."""


class PolicyDocument(OptionTable):
    """The whole policy."""

    day_begins: TimeOfDay = "00:00"
    """When a new day begins, for outings and for what is forgotten daily."""
    when_unsync: Unsync = Unsync.ALLOW
    """While the clock is not right, hours and validity cannot be judged: pass, or nobody does."""
    watched: Watched = Watched.ALARM
    """What happens when somebody on the watch list shows a code."""
    repeat_s: Seconds = 10.0
    """The same code in the same lane within so many seconds is no second passage."""
    fever: FeverRule = FeverRule()
    passback: PassbackRule = PassbackRule()
    override: OverrideRule = OverrideRule()
    entry: Entries = Entries()
    exit: Exits = Exits()

    def notices(self) -> Sequence[str]:
        """What is allowed and must be known to whoever signs it; one sentence each."""
        told = [
            f"[exit.{name}] can refuse: the way out must be free without the gateway"
            for name, rule in self.exit
            if _refuses(rule)
        ]
        late = [name for name, rule in self.entry if rule.when_late is Breach.REFUSE]
        told += [f"[entry.{name}] keeps out whoever comes home late" for name in late]
        return told


def _refuses(rule: ExitRule) -> bool:
    over = rule.per_day is not None and rule.over is Breach.REFUSE
    return bool(rule.admit is not Admit.YES or rule.needs or rule.hours or over)
