"""`fastapi-service add resource`: renders a feature, mounts it, and writes its revision."""

import ast
import os
import shlex
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from generator.console import say, show_pairs, step
from generator.errors import CommandError, Problem, UsageError
from generator.processes import ignoring_interrupts
from generator.project.answers import read_recorded_values, require_answers_file
from generator.project.resources.modules import (
    APPLICATION,
    VERSIONS,
    defined_names,
    find_head,
    mount,
    next_number,
    parse,
    read_tables,
)
from generator.project.resources.record import RECORD, extend_record
from generator.project.resources.render import (
    find_parents,
    find_targets,
    format_sources,
    render_revision,
    render_service,
    render_tests,
)
from generator.project.resources.resource import (
    Resource,
    parse_resource,
    require_short_identifiers,
)
from generator.uv import uv_command


def add_resource(
    project: Path, name: str, fields: Sequence[str], *, plural: str | None, owned: bool
) -> None:
    """Write the files of a resource into a project, and mount its router.

    Raises UsageError or Problem before anything is written, and CommandError for a file that cannot
    be written; then everything is as it was.
    """
    require_answers_file(project)
    resource = parse_resource(name, fields, plural=plural, owned=owned)
    _require_free(project, resource)
    with step(f"Rendering {resource.plural}"):
        files = _render(project, resource)
    _require_imports(project, files)
    _write(project, files)
    _print_result(project, resource, files)


def _render(project: Path, resource: Resource) -> dict[str, bytes]:
    tables = read_tables(project)
    if any(table.name == resource.plural for table in tables):
        raise UsageError(f"There is a table {resource.plural} already: choose another name.")
    if resource.owned and not (project / "app/auth.py").is_file():
        raise UsageError("--owned needs callers, and this service has no authentication.")
    targets = find_targets(resource, tables)
    references = [(field, table.name) for field, table in targets.items()]
    require_short_identifiers(resource.plural, references)
    parents = find_parents(project, resource, targets)
    answers = read_recorded_values(project)
    head = find_head(project)
    revision = f"{next_number(project):04}_{resource.plural}"
    mounted = mount(project, resource.plural)
    sources = {
        **render_service(resource, targets, answers),
        **render_tests(resource, targets, parents),
        **render_revision(resource, targets, revision, head),
    }
    files = {
        f"app/{resource.plural}/__init__.py": b"",
        **format_sources(project, sources),
        RECORD: extend_record(project, resource.command),
    }
    if b"\r\n" in mounted:
        files = {
            path: content.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
            for path, content in files.items()
        }
    return {**files, APPLICATION: mounted}


def _require_free(project: Path, resource: Resource) -> None:
    """Refuse a resource with the name of a feature, a module or a test that exists."""
    for path in (
        f"app/{resource.plural}",
        f"app/{resource.plural}.py",
        f"tests/{resource.singular}_rows.py",
        f"tests/test_{resource.plural}.py",
    ):
        if os.path.lexists(project / path):
            raise UsageError(
                f"{path} exists already, and `add resource` changes nothing that exists: choose "
                "another name."
            )
    if existing := sorted((project / VERSIONS).glob(f"[0-9]*_{resource.plural}.py")):
        raise UsageError(f"{existing[0].relative_to(project)} exists already: choose another name.")


def _require_imports(project: Path, files: Mapping[str, bytes]) -> None:
    """Refuse a project without a module or a name that the code imports from it."""
    for source in (files[path] for path in files if path.endswith(".py") and path != APPLICATION):
        for node in ast.parse(source).body:
            if not isinstance(node, ast.ImportFrom):
                continue
            module = node.module or ""
            path = f"{module.replace('.', '/')}.py"
            if module.partition(".")[0] not in {"app", "tests"} or path in files:
                continue
            if f"{module.replace('.', '/')}/__init__.py" in files:
                continue
            known = set(defined_names(parse(project / path, project)))
            if missing := [alias.name for alias in node.names if alias.name not in known]:
                raise Problem(
                    f"{path} has no {missing[0]}, which the code of a resource imports",
                    "`fastapi-service update` brings it, if the project has an older release",
                )


def _write(project: Path, files: Mapping[str, bytes]) -> None:
    """Write all files, or none."""
    before = {
        path: (project / path).read_bytes() if (project / path).is_file() else None
        for path in files
    }
    folders = [
        folder
        for path in files
        for folder in (project / path).parents
        if folder.is_relative_to(project) and not folder.exists()
    ]
    with ignoring_interrupts():
        try:
            for path, content in files.items():
                (project / path).parent.mkdir(parents=True, exist_ok=True)
                (project / path).write_bytes(content)
        except OSError as error:
            _restore(project, before, folders)
            raise CommandError(
                f"{error.filename} cannot be written ({error.strerror}); nothing was changed."
            ) from error


def _restore(project: Path, before: Mapping[str, bytes | None], folders: Sequence[Path]) -> None:
    for path, content in before.items():
        with suppress(OSError):
            if content is None:
                (project / path).unlink(missing_ok=True)
            elif (project / path).read_bytes() != content:
                (project / path).write_bytes(content)
    for folder in sorted(set(folders), reverse=True):
        with suppress(OSError):
            folder.rmdir()


def _print_result(project: Path, resource: Resource, files: Mapping[str, bytes]) -> None:
    say(
        f"Added {resource.class_name}: the table {resource.plural}, and the routes "
        f"/api/v1/{resource.route}. The files are yours: updates never change them."
    )
    changed = {APPLICATION: "changed", RECORD: "recorded, for `fastapi-service set`"}
    show_pairs("Files", [(path, changed.get(path, "new")) for path in files])
    uv = uv_command()
    commands = [
        f"{uv} run alembic upgrade head",
        f"{uv} run pytest tests/test_{resource.plural}.py",
    ]
    if project != Path.cwd():
        commands.insert(0, f"cd {shlex.quote(str(project))}")
    say("Next:\n")
    say("".join(f"    {command}\n" for command in commands))
