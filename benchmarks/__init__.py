"""What is measured, and against what. Each file is one command; none is a test, because machines are noisy."""
