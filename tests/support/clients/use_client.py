"""Uses the generated Python client: `python use_client.py URL TOKEN`, in the client's folder."""

import sys
from io import BytesIO

from client import AuthenticatedClient
from client.api.files import (
    create_file_api_v1_files_post,
    get_content_api_v1_files_file_id_content_get,
)
from client.api.items import (
    create_item_api_v1_items_post,
    get_item_api_v1_items_item_id_get,
    list_items_api_v1_items_get,
)
from client.models import (
    BodyCreateFileApiV1FilesPost,
    ErrorEnvelope,
    FileRead,
    ItemCreate,
    ItemPage,
    ItemRead,
)
from client.types import File

PNG = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0\0\1\0\0\0\1\x08\0\0\0\0"

url, token = sys.argv[1:]
service = AuthenticatedClient(base_url=url, token=token, raise_on_unexpected_status=True)

item = create_item_api_v1_items_post.sync(client=service, body=ItemCreate(name="Lamp"))
assert isinstance(item, ItemRead)
page = list_items_api_v1_items_get.sync(client=service, limit=1)
assert isinstance(page, ItemPage)
assert page.items == [item]
duplicate = create_item_api_v1_items_post.sync(client=service, body=ItemCreate(name="Lamp"))
assert isinstance(duplicate, ErrorEnvelope)
assert duplicate.error.code == "ITEM_NAME_TAKEN"
assert get_item_api_v1_items_item_id_get.sync(item.id, client=service) == item

upload = File(payload=BytesIO(PNG), file_name="lamp.png", mime_type="image/png")
file = create_file_api_v1_files_post.sync(
    client=service, body=BodyCreateFileApiV1FilesPost(file=upload)
)
assert isinstance(file, FileRead)
assert file.filename == "lamp.png"
content = get_content_api_v1_files_file_id_content_get.sync(file.id, client=service)
assert isinstance(content, File)
assert content.payload.read() == PNG
