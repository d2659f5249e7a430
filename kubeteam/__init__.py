"""The command line and the composition root: the one room that may import all others, and that none imports."""
