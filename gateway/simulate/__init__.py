"""Days at a gate: who comes, what fails, what has to come of it; replayed, or played on devices."""
