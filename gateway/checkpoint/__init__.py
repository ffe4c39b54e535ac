"""What the gate decides: events and the time in, events and acts out; nothing else, ever."""
