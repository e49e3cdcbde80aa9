"""The contract of the items feature."""

import csv
import io
import json
import uuid
from collections.abc import Callable
from urllib.parse import urlencode

from generator.verify.contract.client import JSON_TYPE, Answer, Client
from generator.verify.contract.etags import check_not_modified, is_strong

_ITEMS = "/api/v1/items"
_EXPORT = f"{_ITEMS}/export"
_KEYS = {"id", "name", "description", "created_at", "updated_at"}
_LIMIT = 100


def checks(client: Client) -> list[Callable[[Client], None]]:
    if _ITEMS not in client.operations():
        return []
    return [
        check_create,
        check_create_errors,
        check_read,
        check_list,
        check_list_errors,
        check_update,
        check_update_errors,
        check_delete,
        check_etag,
        check_precondition,
        check_export,
        check_export_errors,
        check_orders,
        check_filters,
        check_cursor_errors,
    ]


def check_create(client: Client) -> None:
    """POST /items returns 201 with Location and the item: name stripped, times in UTC."""
    name = _name()
    answer = client.send_json("POST", _ITEMS, {"name": f"  {name}  "}).require(201)
    item = answer.json
    answer.expect(set(item) == _KEYS, f"the keys {sorted(_KEYS)}")
    answer.expect(item["name"] == name, f"name {name}")
    answer.expect(item["description"] is None, "no description")
    answer.expect(item["created_at"].endswith("Z"), "a time in UTC")
    location = answer.headers.get("location", "")
    answer.expect(location.endswith(f"{_ITEMS}/{item['id']}"), "Location of the item")


def check_create_errors(client: Client) -> None:
    """A taken name returns 409 ITEM_NAME_TAKEN.

    An invalid name, an unknown field or a body that is no object returns 422.
    """
    name = _create(client)["name"]
    client.send_json("POST", _ITEMS, {"name": name}).require_error(409, "ITEM_NAME_TAKEN", _ITEMS)
    bodies: list[object] = [
        {"name": " "},
        {"name": "x" * 201},
        {"name": "New", "color": "red"},
        {},
        [],
    ]
    for body in bodies:
        client.send_json("POST", _ITEMS, body).require_validation_error("body", _ITEMS)


def check_read(client: Client) -> None:
    """GET /items/{id} returns the item.

    An unknown id returns 404 ITEM_NOT_FOUND, a malformed one 422.
    """
    item = _create(client)
    answer = client.get(_path(item)).require(200)
    answer.expect(answer.json == item, "the item as it was created")
    unknown = f"{_ITEMS}/{uuid.uuid4()}"
    client.get(unknown).require_error(404, "ITEM_NOT_FOUND", unknown)
    client.get(f"{_ITEMS}/nonsense").require_validation_error("path")


def check_list(client: Client) -> None:
    """GET /items returns pages, newest first, each item once; the last has no cursor."""
    newest = [_create(client)["id"] for _ in range(3)][::-1]
    ids: list[str] = []
    query = "?limit=2"
    while query:
        page = client.get(_ITEMS + query).require(200)
        page.expect(set(page.json) == {"items", "next_cursor"}, "items and next_cursor")
        page.expect(len(page.json["items"]) in (1, 2), "one or two items")
        ids += [item["id"] for item in page.json["items"]]
        cursor = page.json["next_cursor"]
        query = f"?limit=2&cursor={cursor}" if cursor else ""
    page.expect(ids[:3] == newest, "the newest first")
    page.expect(len(set(ids)) == len(ids), "each item once")
    client.get(f"{_ITEMS}?limit={_LIMIT}").require(200)


def check_list_errors(client: Client) -> None:
    """A limit outside 1 to 100 returns 422, an invalid cursor too."""
    for query in ("limit=0", f"limit={_LIMIT + 1}", "limit=x", "cursor=nonsense"):
        client.get(f"{_ITEMS}?{query}").require_validation_error("query", _ITEMS)


def check_orders(client: Client) -> None:
    """GET /items?sort= sorts by created_at or name, descending with `-`, on every page.

    Names compare by code point, and a cursor outlives its item.
    """
    prefix = _name()
    names = [f"{prefix} {end}" for end in ("Z", "a", "b", "z", "\xe4", "\u20ac", "\U0001f4a1")]
    created = [*names[1::2], *names[::2]]
    for name in created:
        client.send_json("POST", _ITEMS, {"name": name}).require(201)
    for column, expected in (("name", names), ("created_at", created)):
        for sort, order in ((column, expected), (f"-{column}", expected[::-1])):
            pages = _pages(client, name_prefix=prefix, sort=sort)
            listed = [item["name"] for page in pages for item in page.json["items"]]
            pages[0].expect(listed == order, f"{len(order)} items, sorted by {sort}")
    first = client.get(_list(name_prefix=prefix, sort="name", limit="2")).require(200).json
    client.send("DELETE", _path(first["items"][1])).require(204)
    query = _list(name_prefix=prefix, sort="name", limit="1", cursor=first["next_cursor"])
    rest = client.get(query).require(200)
    rest.expect(rest.json["items"][0]["name"] == names[2], "the item after the deleted one")


def check_filters(client: Client) -> None:
    """GET /items?name_prefix= returns items with this beginning of the name, sorted by name.

    `created_from` is inclusive, `created_before` exclusive, and filters combine.
    """
    prefix = f"%_{_name()}"
    times = []
    for end in ("", "b", "%", "B"):
        body = {"name": prefix + end}
        times.append(client.send_json("POST", _ITEMS, body).require(201).json["created_at"])
    cases: list[tuple[dict[str, str], list[str]]] = [
        ({"name_prefix": prefix}, ["", "%", "B", "b"]),
        ({"name_prefix": f"{prefix}b"}, ["b"]),
        ({"name_prefix": f"{prefix}%"}, ["%"]),
        ({"name_prefix": prefix, "created_from": times[2]}, ["%", "B"]),
        ({"name_prefix": prefix, "created_before": times[2]}, ["", "b"]),
        ({"created_from": times[1], "created_before": times[3]}, ["%", "b"]),
    ]
    for query, ends in cases:
        pages = _pages(client, **query)
        listed = [item["name"] for page in pages for item in page.json["items"]]
        listed = [name for name in listed if name.startswith(prefix)]
        pages[0].expect(listed == [prefix + end for end in ends], f"the items of {query}")


def check_cursor_errors(client: Client) -> None:
    """A cursor of a list with another order returns 422.

    An unknown order, a prefix with NUL, and a time without a zone do so, too.
    """
    prefix = _name()
    for end in "ab":
        client.send_json("POST", _ITEMS, {"name": prefix + end}).require(201)
    cursor = client.get(_list(name_prefix=prefix, limit="1")).require(200).json["next_cursor"]
    queries: list[dict[str, str]] = [
        {"cursor": cursor},
        {"sort": "-name", "cursor": cursor},
        {"sort": "name", "cursor": str(uuid.uuid4())},
        {"sort": "price"},
        {"name_prefix": "\0"},
        {"created_from": "2026-01-01T00:00:00"},
        {"created_before": "1700000000"},
    ]
    for query in queries:
        client.get(_list(**query)).require_validation_error("query", _ITEMS)


def check_update(client: Client) -> None:
    """PATCH /items/{id} changes only the given fields; a null description clears it."""
    item = _create(client, description="Bright")
    renamed = _name()
    answer = client.send_json("PATCH", _path(item), {"name": renamed}).require(200)
    answer.expect(answer.json["name"] == renamed, "the new name")
    answer.expect(answer.json["description"] == "Bright", "the description as it was")
    answer = client.send_json("PATCH", _path(item), {"description": None}).require(200)
    answer.expect(answer.json["description"] is None, "no description")
    answer.expect(client.get(_path(item)).json == answer.json, "the change to last")


def check_update_errors(client: Client) -> None:
    """PATCH /items/{id} without fields returns 400 NO_FIELDS and changes nothing.

    A null name or an unknown field returns 422, a taken name 409 ITEM_NAME_TAKEN.
    """
    item = _create(client)
    other = _create(client)
    path = _path(item)
    client.send_json("PATCH", path, {}).require_error(400, "NO_FIELDS", path)
    client.send_json("PATCH", path, {"name": None}).require_validation_error("body", path)
    client.send_json("PATCH", path, {"color": "red"}).require_validation_error("body", path)
    duplicate = client.send_json("PATCH", path, {"name": other["name"]})
    duplicate.require_error(409, "ITEM_NAME_TAKEN", path)
    answer = client.get(path).require(200)
    answer.expect(answer.json == item, "the item as it was")


def check_delete(client: Client) -> None:
    """DELETE /items/{id} returns 204 without a body, afterwards 404 ITEM_NOT_FOUND."""
    path = _path(_create(client))
    answer = client.send("DELETE", path).require(204)
    answer.expect(not answer.body, "no body")
    for method in ("DELETE", "GET"):
        client.send(method, path).require_error(404, "ITEM_NOT_FOUND", path)
    patched: Answer = client.send_json("PATCH", path, {"name": _name()})
    patched.require_error(404, "ITEM_NOT_FOUND", path)


def check_export(client: Client) -> None:
    """GET /items/export returns all items: a line of JSON for each, or CSV with a header."""
    item = _create(client, description='A "lamp",\nblue')
    lines = client.get(_EXPORT).require(200)
    lines.expect(lines.headers.get("content-type") == "application/x-ndjson", "NDJSON")
    items = [json.loads(line) for line in lines.text.splitlines()]
    lines.expect(items[-1] == item, "the newest item in the last line")
    table = client.get(_EXPORT, {"Accept": "text/csv"}).require(200)
    table.expect(table.headers.get("content-type", "").startswith("text/csv"), "CSV")
    rows = list(csv.DictReader(io.StringIO(table.text, newline="")))
    texts = [{key: value or "" for key, value in each.items()} for each in items]
    table.expect(rows == texts, "the same items in both formats")


def check_export_errors(client: Client) -> None:
    """An export in any other media type returns 406 NOT_ACCEPTABLE."""
    answer = client.get(_EXPORT, {"Accept": "application/json"})
    answer.require_error(406, "NOT_ACCEPTABLE", _EXPORT)


def check_etag(client: Client) -> None:
    """An item has a strong ETag, which changes with it; If-None-Match returns 304 without a body.

    The 304 has the ETag, too; `*` and weak tags match, other tags do not.
    """
    created = client.send_json("POST", _ITEMS, {"name": _name()}).require(201)
    path = _path(created.json)
    etag = created.headers.get("etag", "")
    created.expect(is_strong(etag), "a strong ETag")
    check_not_modified(client, path, etag)
    updated = client.send_json("PATCH", path, {"description": "Bright"}).require(200)
    updated.expect(updated.headers.get("etag", etag) != etag, "another ETag")
    answer = client.get(path, {"If-None-Match": etag}).require(200)
    answer.expect(answer.headers.get("etag") == updated.headers["etag"], "the new ETag")


def check_precondition(client: Client) -> None:
    """If-Match with an outdated or weak ETag returns 412 PRECONDITION_FAILED and changes nothing.

    PATCH and DELETE accept the current ETag and `*`; a deleted item returns 404.
    """
    created = client.send_json("POST", _ITEMS, {"name": _name()}).require(201)
    path = _path(created.json)
    outdated = created.headers.get("etag", "")
    updated = _edit(client, path, outdated).require(200)
    current = updated.headers.get("etag", "")
    for refused in (outdated, f"W/{current}", "nonsense"):
        _edit(client, path, refused).require_error(412, "PRECONDITION_FAILED", path)
        deletion = client.send("DELETE", path, {"If-Match": refused})
        deletion.require_error(412, "PRECONDITION_FAILED", path)
    answer = client.get(path).require(200)
    answer.expect(answer.json == updated.json, "the item as it was")
    changed = _edit(client, path, "*").require(200)
    both = f"{outdated}, {changed.headers.get('etag', '')}"
    client.send("DELETE", path, {"If-Match": both}).require(204)
    _edit(client, path, "*").require_error(404, "ITEM_NOT_FOUND", path)


def _name() -> str:
    return f"Item {uuid.uuid4()}"


def _create(client: Client, **fields: str) -> dict[str, str]:
    item: dict[str, str] = (
        client.send_json("POST", _ITEMS, {"name": _name()} | fields).require(201).json
    )
    return item


def _list(**query: str) -> str:
    return f"{_ITEMS}?{urlencode(query)}"


def _pages(client: Client, **query: str) -> list[Answer]:
    """Return the pages of a list, each of two items."""
    pages: list[Answer] = []
    cursor: dict[str, str] = {}
    while not pages or cursor["cursor"]:
        pages.append(client.get(_list(limit="2", **query, **cursor)).require(200))
        cursor = {"cursor": pages[-1].json["next_cursor"]}
    return pages


def _edit(client: Client, path: str, if_match: str) -> Answer:
    body = json.dumps({"description": _name()}).encode()
    return client.send("PATCH", path, {**JSON_TYPE, "If-Match": if_match}, body)


def _path(item: dict[str, str]) -> str:
    return f"{_ITEMS}/{item['id']}"
