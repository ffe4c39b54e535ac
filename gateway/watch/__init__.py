"""What somebody sees who looks after a running gateway: the page, the metrics, `status`."""
