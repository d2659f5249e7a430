"""Container logs: the files of the scenario with shifted times, and the options of the log subresource."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path

from sandbox import times
from sandbox.errors import ApiError, bad_request
from sandbox.objects import Object, containers_of, dig, name_of, namespace_of, statuses_of
from sandbox.times import Shift

LogKey = tuple[str, str, str]
"""Namespace, pod, and container (`container.previous` for the instance before)."""
_CONTROL_PLANE = ("kube-apiserver", "kube-scheduler", "kube-controller-manager", "cloud-controller-manager")


class LogBook:
    """The logs of all containers. A file is read and shifted when it is first asked for."""

    def __init__(self, files: dict[LogKey, Path], shift: Shift) -> None:
        self._files = dict(files)
        self._shift = shift
        self._texts: dict[LogKey, str] = {}

    def text(self, key: LogKey) -> str | None:
        """The log, or None when nothing was ever written."""
        if key not in self._texts and key in self._files:
            self._texts[key] = self._shift.text(self._files[key].read_text(errors="replace"))
        return self._texts.get(key)

    def write(self, key: LogKey, text: str) -> None:
        self._texts[key] = text

    def add_file(self, key: LogKey, file: Path) -> None:
        self._files.setdefault(key, file)

    def forget(self, namespace: str, pod: str) -> None:
        """Drop the logs of a deleted pod."""
        for logs in (self._files, self._texts):
            for key in [key for key in logs if key[:2] == (namespace, pod)]:
                del logs[key]


def control_plane_logs(folder: Path, pods: list[Object]) -> dict[LogKey, Path]:
    """Files of `controlplane/` as logs of the static pods `kube-system/<component>-<node>`."""
    found: dict[LogKey, Path] = {}
    for component in _CONTROL_PLANE:
        file = folder / "controlplane" / f"{component}.log"
        for pod in pods if file.is_file() else []:
            if namespace_of(pod) == "kube-system" and name_of(pod) == f"{component}-{pod['spec'].get('nodeName')}":
                found[("kube-system", name_of(pod), pod["spec"]["containers"][0]["name"])] = file
    return found


def read(book: LogBook, pod: Object, options: Mapping[str, str]) -> str:
    """What the log subresource answers. Raises ApiError 400 in the words of the kubelet when there is no log."""
    container = _container(pod, options.get("container"))
    previous = options.get("previous", "").lower() in ("true", "1")
    _check_started(pod, container, previous)
    key = (namespace_of(pod), name_of(pod), container + (".previous" if previous else ""))
    lines = _dated((book.text(key) or "").splitlines(keepends=True))
    earliest = _earliest(options)
    if earliest is not None:
        lines = [(moment, line) for moment, line in lines if moment is None or moment >= earliest]
    if options.get("tailLines"):
        tail = _number(options, "tailLines")
        lines = lines[-tail:] if tail else []
    if options.get("timestamps", "").lower() in ("true", "1"):
        text = "".join(f"{times.micro_stamp(moment)[:-1]}000Z {line}" if moment else line for moment, line in lines)
    else:
        text = "".join(line for _, line in lines)
    if options.get("limitBytes"):
        text = text.encode()[: _number(options, "limitBytes")].decode(errors="ignore")
    return text


def _number(options: Mapping[str, str], name: str) -> int:
    if not options[name].isdigit():
        raise bad_request(f"{name} must be a whole number that is not negative, not {options[name]!r}")
    return int(options[name])


def _earliest(options: Mapping[str, str]) -> datetime | None:
    if options.get("sinceSeconds"):
        return times.now() - timedelta(seconds=_number(options, "sinceSeconds"))
    if options.get("sinceTime"):
        try:
            return times.parse(options["sinceTime"])
        except ValueError:
            raise bad_request(f"sinceTime is not a time: {options['sinceTime']!r}") from None
    return None


def _dated(lines: list[str]) -> list[tuple[datetime | None, str]]:
    """Each line with its time; a line without one was written together with the line before it."""
    present, moment = times.now(), None
    dated: list[tuple[datetime | None, str]] = []
    for line in lines:
        moment = times.time_in(line, present) or moment
        dated.append((moment, line))
    first = next((found for found, _ in dated if found), None)
    return [(found or first, line) for found, line in dated]


def _container(pod: Object, asked: str | None) -> str:
    names = [container["name"] for container in containers_of(pod["spec"])]
    regular = [container["name"] for container in pod["spec"].get("containers") or []]
    if asked:
        if asked not in names:
            raise bad_request(f"container {asked} is not valid for pod {name_of(pod)}")
        return asked
    if len(regular) > 1:
        listed = " ".join(regular)
        inits = " ".join(name for name in names if name not in regular)
        extra = f" or one of the init containers: [{inits}]" if inits else ""
        raise bad_request(
            f"a container name must be specified for pod {name_of(pod)}, choose one of: [{listed}]{extra}"
        )
    return regular[0]


def _check_started(pod: Object, container: str, previous: bool) -> None:
    status = next((item for item in statuses_of(pod) if item["name"] == container), None)
    name = name_of(pod)
    if previous:
        if not dig(status, "lastState.terminated"):
            raise bad_request(f'previous terminated container "{container}" in pod "{name}" not found')
        return
    if not pod["spec"].get("nodeName"):
        # A pod that no node has taken yet: the API server itself answers, with an empty log.
        return
    state: Object = (status or {}).get("state") or {}
    waiting = state.get("waiting")
    if status is None or (waiting and not status.get("lastState") and not status.get("restartCount")):
        reason = (waiting or {}).get("reason", "ContainerCreating")
        why = "trying and failing to pull image" if "Image" in reason else f"waiting to start: {reason}"
        message = f'container "{container}" in pod "{name}" is {why}'
        raise ApiError(400, "BadRequest", message)
