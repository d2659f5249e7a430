"""The team as a person meets it: real processes on loopback, the embedded cluster, every way in."""
