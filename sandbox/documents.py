"""The read-only documents about the API: version, discovery and OpenAPI."""

from __future__ import annotations

from starlette.responses import JSONResponse, Response

from sandbox import discovery, openapi
from sandbox.errors import no_such_path
from sandbox.resources import Catalogue
from sandbox.store import encode


class Documents:
    def __init__(self, catalogue: Catalogue, version: str) -> None:
        self._catalogue = catalogue
        self._version = version if version.startswith("v") else "v" + version
        self._openapi: dict[tuple[str, str, int], bytes] = {}

    def respond(self, path: str, accept: str) -> Response:
        """The document at a path. Raises ApiError 404."""
        if path in ("/api", "/apis") and "as=APIGroupDiscoveryList" in accept and "v=v2;" in accept:
            found = discovery.aggregated(self._catalogue, core=path == "/api")
            return JSONResponse(found, media_type=discovery.AGGREGATED)
        if path.startswith("/openapi/v3/"):
            parts = path.split("/")[3:]
            group, version = (parts[1], parts[2]) if parts[0] == "apis" and len(parts) == 3 else ("", parts[-1])
            return Response(self._schema(group, version), media_type="application/json")
        document = self._plain(path)
        if document is None:
            raise no_such_path()
        return JSONResponse(document)

    def _plain(self, path: str) -> object:
        match path.split("/")[1:]:
            case ["version"]:
                major, minor = self._version[1:].split(".")[:2]
                return {
                    "major": major,
                    "minor": minor,
                    "gitVersion": self._version,
                    "gitCommit": "",
                    "gitTreeState": "clean",
                    "buildDate": "1970-01-01T00:00:00Z",
                    "goVersion": "",
                    "compiler": "",
                    "platform": "linux/amd64",
                }
            case ["api"]:
                return {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": []}
            case ["apis"]:
                return discovery.group_list(self._catalogue)
            case ["openapi", "v3"]:
                return openapi.index(self._catalogue)
            case ["api", version]:
                return discovery.resource_list(self._catalogue, "", version)
            case ["apis", group]:
                found = discovery.group_of(self._catalogue, group)
                return {"kind": "APIGroup", "apiVersion": "v1", **found} if found else None
            case ["apis", group, version]:
                return discovery.resource_list(self._catalogue, group, version)
            case _:
                return None

    def _schema(self, group: str, version: str) -> bytes:
        key = (group, version, self._catalogue.generation)
        if key not in self._openapi:
            document = openapi.document(self._catalogue, group, version)
            if document is None:
                raise no_such_path()
            self._openapi[key] = encode(document)
        return self._openapi[key]
