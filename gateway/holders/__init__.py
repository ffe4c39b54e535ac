"""Who comes where a gate is shown or played: what is on their codes, and real ones."""

from gateway.holders.holder import Holder, Sort
from gateway.holders.wallet import Wallet

__all__ = ["Holder", "Sort", "Wallet"]
