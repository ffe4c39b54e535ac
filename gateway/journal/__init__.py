"""The only owner of the database: append, read, confirm."""

from gateway.journal.batch import Batch
from gateway.journal.delivery import Delivery
from gateway.journal.journal import Counts, Journal
from gateway.journal.rows import Row

__all__ = ["Batch", "Counts", "Delivery", "Journal", "Row"]
