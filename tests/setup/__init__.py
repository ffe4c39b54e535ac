"""The guided setup, and the swap of a broken box."""
