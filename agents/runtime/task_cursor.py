"""Page tokens of task lists: the place of the last task that was shown."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass

from a2a.utils.errors import InvalidParamsError


@dataclass(frozen=True)
class Cursor:
    """A place in the order of lists: newest first, then by id."""

    updated_ns: int
    task_id: str

    def write(self) -> str:
        """An opaque token that is safe in URLs."""
        return base64.urlsafe_b64encode(f"{self.updated_ns}:{self.task_id}".encode()).decode().rstrip("=")

    @classmethod
    def read(cls, token: str) -> Cursor:
        """Raises InvalidParamsError for a token that this service did not write."""
        try:
            text = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True).decode()
            updated, _, task_id = text.partition(":")
            place = cls(int(updated), task_id)
        except (binascii.Error, ValueError) as error:
            raise InvalidParamsError(message="pageToken is not one that this service gave out") from error
        if not place.task_id or not 0 <= place.updated_ns < 2**63:
            raise InvalidParamsError(message="pageToken is not one that this service gave out")
        return place
