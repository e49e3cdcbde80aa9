"""The requests of each operation, and the load that wrk makes of them."""

import json
import secrets
import sys
from pathlib import Path
from urllib.parse import urlencode

from benchmarks.contenders import ROOT, Contender, Sample, find, send
from generator.processes import run
from generator.project.serve import HOST

CONNECTIONS = 32
PASSWORD = "correct horse battery"  # noqa: S105 - of a user that exists for seconds
PDF = b"%PDF-1.4\n" + b"\0" * 100_000 + b"\n%%EOF\n"
FORM = (
    b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.pdf"\r\n'
    b"Content-Type: application/pdf\r\n\r\n" + PDF + b"\r\n--b--\r\n"
)


def register(port: int) -> str:
    """Register a user of our service and return the e-mail address."""
    email = f"{secrets.token_hex(4)}@example.com"
    credentials = json.dumps({"email": email, "password": PASSWORD}).encode()
    send(port, "POST", "/api/v1/users", credentials, {"Content-Type": "application/json"})
    return email


def log_in(port: int, email: str) -> str:
    """Return an access token, which the rivals accept."""
    form = urlencode({"username": email, "password": PASSWORD}).encode()
    form_type = {"Content-Type": "application/x-www-form-urlencoded"}
    return send(port, "POST", "/api/v1/auth/token", form, form_type)["access_token"]


def write_scripts(folder: Path, token: str) -> None:
    """Write the requests of each operation as wrk reads them."""
    caller = f'wrk.headers["Authorization"] = "Bearer {token}"\n'
    json_type = 'wrk.headers["Content-Type"] = "application/json"\n'
    (folder / "form").write_bytes(FORM)
    scripts = {
        "read": "",
        "list": "",
        "enqueue": 'wrk.method = "POST"\n',
        "create": f"{json_type}local count, prefix = 0, ''\n"
        "function init(arguments) prefix = arguments[1] end\n"
        "function request()\n"
        "  count = count + 1\n"
        """  local body = '{"name": "' .. prefix .. count .. '", "description": "A lamp"}'\n"""
        '  return wrk.format("POST", nil, nil, body)\n'
        "end\n",
        "upload": 'wrk.method = "POST"\n'
        'wrk.headers["Content-Type"] = "multipart/form-data; boundary=b"\n'
        f'wrk.body = io.open("{folder / "form"}", "rb"):read("*a")\n',
    }
    for name, script in scripts.items():
        (folder / f"{name}.lua").write_text(caller + script)


def load(contender: Contender, operation: str, path: str, folder: Path, seconds: int) -> Sample:
    url = f"http://{HOST}:{contender.port}{path}"
    options = [f"--connections={CONNECTIONS}", f"--duration={seconds}", "--threads=1", "--latency"]
    script = ["--script", str(folder / f"{operation}.lua")]
    output = run(["wrk", *options, *script, url, "--", secrets.token_hex(6)], ROOT)
    if "Non-2xx" in output:
        sys.exit(f"{contender.name} failed to {operation}: {output}")
    return Sample(
        float(find(r"Requests/sec:\s+([\d.]+)", output)),
        milliseconds(output, "50%"),
        milliseconds(output, "99%"),
    )


def milliseconds(output: str, percentile: str) -> float:
    duration = find(rf"{percentile}\s+([\d.]+(?:us|ms|s))", output)
    value = duration.rstrip("mus")
    return float(value) * {"us": 0.001, "ms": 1, "s": 1000}[duration.removeprefix(value)]
