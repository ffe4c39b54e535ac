"""What puts the program on a box: locks, installation, package."""
