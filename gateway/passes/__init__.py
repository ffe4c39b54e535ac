"""Passes, verified with no network: what a code says, who signed it, whether it is good here."""
