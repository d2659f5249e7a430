"""Incident scenarios of our own: frozen clusters with a question and the truth, for every fault id and many traps.

`stories/` tells them, `builder/` knows what a control plane writes, `data/` holds the rendered folders. Written without
looking at the diagnoser, so that they test the class of faults and not an implementation.
"""
