"""`pass …`: keys for passes, passes as printed cards, what a code is, revocations."""
