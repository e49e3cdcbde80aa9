"""Sentences of the contract that hold for a service with the items feature."""

import uuid
from collections.abc import Callable

from generator.verify.contract.client import Answer, Client

_ITEMS = "/api/v1/items"
_KEYS = {"id", "name", "description", "created_at", "updated_at"}
_LIMIT = 100


def checks(client: Client) -> list[Callable[[Client], None]]:
    if _ITEMS not in client.operations():
        return []
    return [created, not_created, read, listed, badly_listed, changed, not_changed, deleted]


def created(client: Client) -> None:
    """POST /items is 201 with Location and the item, its name stripped, its times in UTC."""
    name = _name()
    answer = client.send_json("POST", _ITEMS, {"name": f"  {name}  "}).of(201)
    item = answer.json
    answer.expect(set(item) == _KEYS, f"the keys {sorted(_KEYS)}")
    answer.expect(item["name"] == name, f"name {name}")
    answer.expect(item["description"] is None, "no description")
    answer.expect(item["created_at"].endswith("Z"), "a time in UTC")
    location = answer.headers.get("location", "")
    answer.expect(location.endswith(f"{_ITEMS}/{item['id']}"), "Location of the item")


def not_created(client: Client) -> None:
    """A taken name is 409 ITEM_NAME_TAKEN; a bad name, an unknown field, no object are 422."""
    name = _create(client)["name"]
    client.send_json("POST", _ITEMS, {"name": name}).refused(409, "ITEM_NAME_TAKEN", _ITEMS)
    bodies: list[object] = [
        {"name": " "},
        {"name": "x" * 201},
        {"name": "New", "color": "red"},
        {},
        [],
    ]
    for body in bodies:
        client.send_json("POST", _ITEMS, body).invalid("body", _ITEMS)


def read(client: Client) -> None:
    """GET /items/{id} is the item; an unknown id 404 ITEM_NOT_FOUND, a malformed one 422."""
    item = _create(client)
    answer = client.get(_path(item)).of(200)
    answer.expect(answer.json == item, "the item as it was created")
    unknown = f"{_ITEMS}/{uuid.uuid4()}"
    client.get(unknown).refused(404, "ITEM_NOT_FOUND", unknown)
    client.get(f"{_ITEMS}/nonsense").invalid("path")


def listed(client: Client) -> None:
    """GET /items gives pages, newest first, each item once, the last without a cursor."""
    newest = [_create(client)["id"] for _ in range(3)][::-1]
    found: list[str] = []
    query = "?limit=2"
    while query:
        page = client.get(_ITEMS + query).of(200)
        page.expect(set(page.json) == {"items", "next_cursor"}, "items and next_cursor")
        page.expect(len(page.json["items"]) in (1, 2), "one or two items")
        found += [item["id"] for item in page.json["items"]]
        cursor = page.json["next_cursor"]
        query = f"?limit=2&cursor={cursor}" if cursor else ""
    page.expect(found[:3] == newest, "the newest first")
    page.expect(len(set(found)) == len(found), "each item once")
    client.get(f"{_ITEMS}?limit={_LIMIT}").of(200)


def badly_listed(client: Client) -> None:
    """A limit outside 1..100 and a bad cursor are 422."""
    for query in ("limit=0", f"limit={_LIMIT + 1}", "limit=x", "cursor=nonsense"):
        client.get(f"{_ITEMS}?{query}").invalid("query", _ITEMS)


def changed(client: Client) -> None:
    """PATCH changes only what was sent; a null description clears it."""
    item = _create(client, description="Bright")
    renamed = _name()
    answer = client.send_json("PATCH", _path(item), {"name": renamed}).of(200)
    answer.expect(answer.json["name"] == renamed, "the new name")
    answer.expect(answer.json["description"] == "Bright", "the description as it was")
    answer = client.send_json("PATCH", _path(item), {"description": None}).of(200)
    answer.expect(answer.json["description"] is None, "no description")
    answer.expect(client.get(_path(item)).json == answer.json, "the change to last")


def not_changed(client: Client) -> None:
    """PATCH of nothing is 400 NO_FIELDS, a null name or an unknown field 422, a taken name 409."""
    item, other = _create(client), _create(client)
    path = _path(item)
    client.send_json("PATCH", path, {}).refused(400, "NO_FIELDS", path)
    client.send_json("PATCH", path, {"name": None}).invalid("body", path)
    client.send_json("PATCH", path, {"color": "red"}).invalid("body", path)
    taken = client.send_json("PATCH", path, {"name": other["name"]})
    taken.refused(409, "ITEM_NAME_TAKEN", path)
    answer = client.get(path).of(200)
    answer.expect(answer.json == item, "the item as it was")


def deleted(client: Client) -> None:
    """DELETE is 204 without a body, then 404 ITEM_NOT_FOUND."""
    path = _path(_create(client))
    answer = client.send("DELETE", path).of(204)
    answer.expect(not answer.body, "no body")
    for method in ("DELETE", "GET"):
        client.send(method, path).refused(404, "ITEM_NOT_FOUND", path)
    patched: Answer = client.send_json("PATCH", path, {"name": _name()})
    patched.refused(404, "ITEM_NOT_FOUND", path)


def _name() -> str:
    return f"Item {uuid.uuid4()}"


def _create(client: Client, **fields: str) -> dict[str, str]:
    item: dict[str, str] = client.send_json("POST", _ITEMS, {"name": _name()} | fields).of(201).json
    return item


def _path(item: dict[str, str]) -> str:
    return f"{_ITEMS}/{item['id']}"
