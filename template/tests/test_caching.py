import pytest
from fastapi.testclient import TestClient

from app.caching import is_current, require_match
from app.errors import PreconditionFailed

ETAG = '"a,b"'


@pytest.mark.parametrize("header", [ETAG, f"W/{ETAG}", f'"c", {ETAG}', f'W/"c",{ETAG}', " * "])
def test_known_content_is_current(header: str) -> None:
    assert is_current(ETAG, header)


@pytest.mark.parametrize("header", [None, "", '"c"', "a,b", '"a,b', '"a", "b"', '"*"'])
def test_other_content_is_not_current(header: str | None) -> None:
    assert not is_current(ETAG, header)


@pytest.mark.parametrize("header", [None, ETAG, f'"c", {ETAG}', f'W/"c",{ETAG}', "*"])
def test_current_version_may_be_changed(header: str | None) -> None:
    require_match(ETAG, header)


@pytest.mark.parametrize("header", ["", '"c"', f"W/{ETAG}", "a,b", '"a", "b"', '"*"'])
def test_other_version_is_refused(header: str) -> None:
    with pytest.raises(PreconditionFailed):
        require_match(ETAG, header)


@pytest.mark.parametrize("path", ["/health/live", "/docs", "/openapi.json", "/api/v1/none"])
def test_responses_are_not_stored(client: TestClient, path: str) -> None:
    assert client.get(path).headers["Cache-Control"] == "no-store"


def test_content_with_etag_is_revalidated(client: TestClient) -> None:
    path = "/docs/assets/swagger-ui.css"
    sent = client.get(path)
    known = client.get(path, headers={"If-None-Match": sent.headers["ETag"]})

    assert (sent.status_code, known.status_code) == (200, 304)
    assert sent.headers["Cache-Control"] == "private, no-cache"
    assert known.headers["Cache-Control"] == "private, no-cache"


def test_lines_of_a_header_are_one_list(client: TestClient) -> None:
    path = "/docs/assets/swagger-ui.css"
    etag = client.get(path).headers["ETag"]

    for lines in ([etag, '"other"'], ['"other"', etag]):
        headers = [("If-None-Match", line) for line in lines]
        assert client.get(path, headers=headers).status_code == 304
