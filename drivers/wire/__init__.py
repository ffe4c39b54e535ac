"""For drivers that talk over a wire: the opener of ports, shared lines, frames, Modbus."""
