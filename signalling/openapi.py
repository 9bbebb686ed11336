"""Pure core: the OpenAPI 3.1 description of the API, made from the table of operations that the router is made from."""

import re
from typing import Any, Protocol

import msgspec

from signalling.bodies import ErrorAnswer
from signalling.errors import ApiError

Described = dict[str, Any]
"""JSON of the description: OpenAPI has no types that would say more here."""


class DescribedOperation(Protocol):
    """What is told of an operation: see `signalling.operations.Operation`."""

    @property
    def method(self) -> str: ...
    @property
    def path(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def summary(self) -> str: ...
    @property
    def body(self) -> type[msgspec.Struct] | None: ...
    @property
    def answer(self) -> type[msgspec.Struct] | None: ...
    @property
    def status(self) -> int: ...
    @property
    def host(self) -> bool: ...
    @property
    def host_optional(self) -> bool: ...
    @property
    def streams(self) -> str | None: ...
    def all_errors(self) -> tuple[type[ApiError], ...]: ...


def describe(operations: tuple[DescribedOperation, ...], *, base_path: str, version: str) -> Described:
    """The whole description."""
    named = (kind for op in operations for kind in (op.body, op.answer) if kind is not None)
    kinds: list[type[msgspec.Struct]] = [*dict.fromkeys(named), ErrorAnswer]
    schemas, components = msgspec.json.schema_components(kinds, ref_template="#/components/schemas/{name}")
    refs = dict(zip(kinds, schemas, strict=True))
    paths: Described = {}
    for op in operations:
        paths.setdefault(op.path, {})[op.method.lower()] = _operation(op, refs)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Soiree homeserver", "version": version, "license": {"name": "MIT", "identifier": "MIT"}},
        "servers": [{"url": base_path}],
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {"hostKey": {"type": "http", "scheme": "bearer", "description": "the room's host key"}},
        },
    }


def _operation(op: DescribedOperation, refs: dict[type[msgspec.Struct], Described]) -> Described:
    described: Described = {"operationId": op.name, "summary": op.summary, "responses": _responses(op, refs)}
    if parameters := re.findall(r"\{(\w+)\}", op.path):
        described["parameters"] = [
            {
                "name": name,
                "in": "path",
                "required": True,
                "description": "id or code of the room",
                "schema": {"type": "string", "minLength": 1},
            }
            for name in parameters
        ]
    if op.body is not None:
        described["requestBody"] = {"required": True, "content": {"application/json": {"schema": refs[op.body]}}}
    if op.host:
        described["security"] = [{"hostKey": []}]
    elif op.host_optional:
        described["security"] = [{}, {"hostKey": []}]
    return described


def _responses(op: DescribedOperation, refs: dict[type[msgspec.Struct], Described]) -> Described:
    responses: Described = {}
    if op.streams == "WebSocket":
        responses["101"] = {"description": "the WebSocket"}
    elif op.streams is not None:
        responses["200"] = {"description": op.summary, "content": {op.streams: {"schema": {"type": "string"}}}}
    elif op.answer is not None:
        responses[str(op.status)] = {
            "description": op.answer.__doc__ or op.summary,
            "content": {"application/json": {"schema": refs[op.answer]}},
        }
    elif op.status == 204:
        responses["204"] = {"description": "done"}
    else:
        responses[str(op.status)] = {
            "description": op.summary,
            "content": {"application/json": {"schema": {"type": "object"}}},
        }
    by_status: dict[int, list[type[ApiError]]] = {}
    for error in op.all_errors():
        by_status.setdefault(error.status, []).append(error)
    for status in sorted(by_status):
        responses[str(status)] = {
            "description": "; ".join(f"`{error.code}`: {error.words}" for error in by_status[status]),
            "content": {"application/json": {"schema": refs[ErrorAnswer]}},
        }
    return responses
