"""The errors an operator can act on: one plain sentence each, never a traceback."""


class GatewayError(Exception):
    """Something outside the program's control; its text is shown to the technician as it is."""


class ConfigError(GatewayError):
    """The configuration cannot be used; the text lists every mistake with its line."""


class JournalError(GatewayError):
    """The journal cannot be opened or no longer takes records."""


class LinkError(GatewayError):
    """The connection to the broker could not be made, or has ended; it is tried again.

    `unauthorised`: the broker does not accept who we are, so trying soon again is no use.
    `rival`: somebody else has connected under our name.
    `provoked`: it was lost over a message that was sent alone to find out whether it does that.
    """

    def __init__(
        self,
        reason: str,
        *,
        unauthorised: bool = False,
        rival: bool = False,
        provoked: bool = False,
    ) -> None:
        super().__init__(reason)
        self.unauthorised = unauthorised
        self.rival = rival
        self.provoked = provoked
