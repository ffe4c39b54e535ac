"""Device drivers: one file per device family, and nothing here knows the gateway."""
