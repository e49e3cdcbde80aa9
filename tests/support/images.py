"""Projects whose images are built, and the shell commands of their documentation."""

import json
import re
from collections.abc import Sequence
from pathlib import Path

from generator.processes import environment, run
from generator.template.options import Option
from generator.verify.images.buildah import Buildah
from generator.verify.matrix.rows import Row
from generator.verify.rendered import RenderedProject
from generator.verify.servers import UnavailableError
from tests.support.live import lock_row
from tests.support.rendered import row_with
from tests.support.servers import ServersFor, skip_missing

_RECORD = """#!/usr/bin/env python3
import json, os, sys
with open(os.environ["RECORD"], "a") as file:
    print(json.dumps(sys.argv[1:]), file=file)
"""


def lock_image_row(
    options: tuple[Option, ...], workspace: Path, servers_for: ServersFor, **answers: str
) -> RenderedProject:
    """Render and lock a row with an image; skips the test where none can be built."""
    try:
        Buildah.require()
    except UnavailableError as error:
        skip_missing(str(error))
    row = row_with(options, container="true", **answers)
    servers_for(row)
    return lock_row(Row(f"image-{row.id}", row.answers), workspace)


def read_blocks(project: Path, containing: str) -> list[str]:
    """Return the shell blocks of docs/deploying.md with this text."""
    text = (project / "docs/deploying.md").read_text()
    blocks = re.findall(r"(?ms)^```sh\n(.*?)^```$", text)
    return [str(block) for block in blocks if containing in block]


def record_docker(script: str, folder: Path) -> list[Sequence[str]]:
    """Run a script, and return the arguments of each call of `docker`."""
    folder.mkdir()
    record = folder / "record"
    for name, content in (("docker", _RECORD), ("git", "#!/bin/sh\necho revision\n")):
        (folder / name).write_text(content)
        (folder / name).chmod(0o755)
    variables = environment()
    variables |= {"PATH": f"{folder}:{variables['PATH']}", "RECORD": str(record)}
    run(["bash", "-euc", script], folder, variables=variables)
    return [json.loads(line) for line in record.read_text().splitlines()]
