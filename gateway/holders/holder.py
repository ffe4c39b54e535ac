"""Who comes to a gate, as far as a gate can see: what is on the code that somebody holds."""

from enum import StrEnum

from msgspec import Struct

from gateway.events import Class, Judged, Verdict


class Sort(StrEnum):
    """What sort of code somebody shows."""

    RESIDENT = "resident"
    VISITOR = "visitor"
    UNREGISTERED = "unregistered"
    """A visitor whom nobody has put into the register."""
    ADMISSION = "admission"
    STAFF = "staff"
    GUARD = "guard"
    COURIER = "courier"
    FOREIGN = "foreign"
    """A sound pass of another compound."""
    EXPIRED = "expired"
    FORGED = "forged"
    REVOKED = "revoked"
    HEALTH_CODE = "health-code"
    STRANGE = "strange"
    """Any code that has nothing to do with gates: one for paying, a poster's."""


_SEEN_AS: dict[Sort, tuple[Class, Verdict]] = {
    Sort.RESIDENT: (Class.RESIDENT, Verdict.VALID),
    Sort.VISITOR: (Class.VISITOR, Verdict.VALID),
    Sort.UNREGISTERED: (Class.VISITOR, Verdict.VALID),
    Sort.ADMISSION: (Class.ADMISSION, Verdict.VALID),
    Sort.STAFF: (Class.STAFF, Verdict.VALID),
    Sort.GUARD: (Class.STAFF, Verdict.VALID),
    Sort.COURIER: (Class.DELIVERY, Verdict.VALID),
    Sort.FOREIGN: (Class.RESIDENT, Verdict.NOT_HERE),
    Sort.EXPIRED: (Class.RESIDENT, Verdict.EXPIRED),
    Sort.FORGED: (Class.UNKNOWN, Verdict.BAD_SIGNATURE),  # nothing on it is believed
    Sort.REVOKED: (Class.RESIDENT, Verdict.REVOKED),
    Sort.HEALTH_CODE: (Class.HEALTH_CODE, Verdict.OPAQUE),
    Sort.STRANGE: (Class.UNKNOWN, Verdict.OPAQUE),
}
_ROLES = {Sort.GUARD: "guard", Sort.STAFF: "cleaner"}


class Holder(Struct, frozen=True, order=True):
    """One code and whoever holds it; the same number is the same person."""

    sort: Sort
    number: int

    @property
    def name(self) -> str:
        """Distinct for each code; it could stand on one."""
        return f"{self.sort}-{self.number}"

    def judged(self) -> Judged:
        """What a gate that knows its passes and its register makes of the code."""
        class_, verdict = _SEEN_AS[self.sort]
        registered = self.sort is Sort.VISITOR if class_ is Class.VISITOR else None
        return Judged(
            token=self.name,
            class_=class_,
            verdict=verdict,
            role=_ROLES.get(self.sort),
            registered=registered,
        )
