"""What is plugged into this box: serial ports, cameras, GPIO chips, and who uses them."""
