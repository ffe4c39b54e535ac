"""`checkpoint-gateway setup`: a first configuration, its backup, and the swap of a broken box.

However a configuration comes about (asked for, from a file of answers, a backup or a provisioning
code), it is a `Parcel`; there is one way to put a parcel in place.
"""
