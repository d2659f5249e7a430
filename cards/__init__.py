"""The five agent cards: what each service promises. Everything else follows them."""

from __future__ import annotations

from pathlib import Path

FOLDER = Path(__file__).parent
