"""Every remedy that a scenario expects is proposed, and applied on the embedded cluster it ends the incident.

`python -m tests.remedies [FOLDER …]` runs all of them (default: tests/scenarios/data); the suite runs a sample.
"""
