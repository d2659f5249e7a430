"""What the API answers when it refuses: Kubernetes `Status` objects as exceptions."""

from __future__ import annotations

from typing import Any

from sandbox.resources import Resource


class ApiError(Exception):
    """A refusal with an HTTP code and a Kubernetes reason, such as 404 `NotFound`; clients switch on the reason."""

    def __init__(self, code: int, reason: str, message: str, **details: Any) -> None:
        super().__init__(message)
        self.code = code
        self.reason = reason
        self.message = message
        self.details = {name: value for name, value in details.items() if value is not None}

    def status(self) -> dict[str, Any]:
        """The `Status` object for the response body."""
        return {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": self.message,
            "reason": self.reason,
            "details": self.details,
            "code": self.code,
        }


def no_such_path() -> ApiError:
    return ApiError(404, "NotFound", "the server could not find the requested resource")


def not_found(resource: Resource, name: str) -> ApiError:
    message = f'{resource.qualified} "{name}" not found'
    return ApiError(404, "NotFound", message, name=name, group=resource.group or None, kind=resource.plural)


def already_exists(resource: Resource, name: str) -> ApiError:
    message = f'{resource.qualified} "{name}" already exists'
    return ApiError(409, "AlreadyExists", message, name=name, group=resource.group or None, kind=resource.plural)


def conflict(resource: Resource, name: str, why: str) -> ApiError:
    message = f'Operation cannot be fulfilled on {resource.qualified} "{name}": {why}'
    return ApiError(409, "Conflict", message, name=name, group=resource.group or None, kind=resource.plural)


def bad_request(message: str) -> ApiError:
    return ApiError(400, "BadRequest", message)


def invalid(resource: Resource, name: str, problems: list[str]) -> ApiError:
    """422 with one cause per problem; a problem reads `field.path: what is wrong`."""
    listed = problems[0] if len(problems) == 1 else "[" + ", ".join(problems) + "]"
    causes = [
        {"reason": "FieldValueInvalid", "message": problem.partition(": ")[2], "field": problem.partition(": ")[0]}
        for problem in problems
    ]
    subject = f"{resource.kind}.{resource.group}" if resource.group else resource.kind
    message = f'{subject} "{name}" is invalid: {listed}'
    return ApiError(422, "Invalid", message, name=name, group=resource.group or None, kind=resource.kind, causes=causes)


def forbidden(resource: Resource, name: str, why: str) -> ApiError:
    message = f'{resource.qualified} "{name}" is forbidden: {why}'
    return ApiError(403, "Forbidden", message, name=name, group=resource.group or None, kind=resource.plural)
