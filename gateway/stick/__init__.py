"""Records on a USB stick: out of a gate without a network, and in at the centre."""
