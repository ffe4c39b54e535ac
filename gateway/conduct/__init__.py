"""What the gate does about what it records: rules, decisions and deeds."""

from gateway.conduct.conduct import Conduct, Note

__all__ = ["Conduct", "Note"]
