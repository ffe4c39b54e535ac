"""`reload`, `log-level`, `documents`: what can be asked of the gateway that runs on this box."""
