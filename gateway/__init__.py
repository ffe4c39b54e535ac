"""The gateway daemon: from readings at a checkpoint to confirmed records at the centre."""
