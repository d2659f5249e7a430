"""Tests, in rooms that mirror the product's, plus `end_to_end/`."""
