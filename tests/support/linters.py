"""Linters for the files that deploy and check a rendered service."""

import shutil
import subprocess
import sysconfig
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import kubernetes_validate  # type: ignore[import-untyped]
import yaml

SCRIPTS = Path(sysconfig.get_path("scripts"))
OVERLAY = "deploy/kubernetes/overlays/production"


def call(program: str, *arguments: str | Path) -> str:
    """Run a linter of this environment; return its output if it found something."""
    result = subprocess.run(
        [SCRIPTS / program, *arguments], capture_output=True, text=True, check=False
    )
    return result.stdout + result.stderr if result.returncode else ""


def lint_dockerfiles(files: Sequence[Path]) -> str:
    return call("hadolint", *files)


def lint_workflows(files: Sequence[Path]) -> str:
    schema = call("check-jsonschema", "--builtin-schema", "vendor.github-workflows", *files)
    return schema + call("zizmor", "--offline", "--no-progress", *files)


def lint_pipelines(files: Sequence[Path]) -> str:
    schema = ["--builtin-schema", "vendor.gitlab-ci", "--data-transform", "gitlab-ci"]
    return call("check-jsonschema", *schema, *files)


def lint_compose(files: Sequence[Path]) -> str:
    return call("check-jsonschema", "--builtin-schema", "vendor.compose-spec", *files)


def lint_renovate(files: Sequence[Path]) -> str:
    return call("check-jsonschema", "--builtin-schema", "vendor.renovate", *files)


def lint_manifests(files: Sequence[Path]) -> str:
    errors = []
    for file in files:
        try:
            kubernetes_validate.validate(read_manifest(file), "1.37", strict=True)
        except kubernetes_validate.ValidationError as error:
            errors.append(f"{file}: {error}")
    return "\n".join(errors)


def read_manifest(file: Path) -> dict[str, Any]:
    manifest: dict[str, Any] = yaml.safe_load(file.read_text())
    return manifest


@dataclass(frozen=True)
class Linter:
    """The paths of the files in a project, as globs, and the check of some of them."""

    globs: tuple[str, ...]
    check: Callable[[Sequence[Path]], str]

    def files(self, project: Path) -> Iterator[Path]:
        for pattern in self.globs:
            for path in project.glob(pattern):
                if path.name != "kustomization.yaml":
                    yield path


LINTERS = {
    "hadolint": Linter(("Dockerfile",), lint_dockerfiles),
    "zizmor": Linter((".github/workflows/*.yml",), lint_workflows),
    "gitlab": Linter((".gitlab-ci.yml",), lint_pipelines),
    "compose": Linter(("compose.yaml", ".devcontainer/compose.yaml"), lint_compose),
    "renovate": Linter(("renovate.json",), lint_renovate),
    "kubernetes": Linter(("deploy/kubernetes/**/*.yaml",), lint_manifests),
}


def unresolved_references(project: Path) -> list[str]:
    """Return references of the overlay and its manifests to objects that they do not define.

    The secret with the settings is the only object that a team creates itself. Resources in
    comments are optional, and count as listed.
    """
    overlay = yaml.safe_load((project / OVERLAY / "kustomization.yaml").read_text())
    (base,) = [(project / OVERLAY / path).resolve() for path in overlay["resources"]]
    text = (base / "kustomization.yaml").read_text()
    listed = yaml.safe_load(text.replace("  # - ", "  - "))["resources"]
    present = {path.name for path in base.glob("*.yaml")} - {"kustomization.yaml"}
    unresolved = [f"resources: {name}" for name in present ^ set(listed)]

    manifests = [read_manifest(base / name) for name in sorted(present)]
    defined = {(item["kind"], item["metadata"]["name"]) for item in manifests}
    pods = [item["spec"]["template"] for item in manifests if item["kind"] == "Deployment"]
    labels = [pod["metadata"]["labels"] for pod in pods]
    containers = [
        container
        for pod in pods
        for container in chain(pod["spec"]["containers"], pod["spec"]["initContainers"])
    ]
    images = {container["image"] for container in containers}
    ports = {port["name"] for container in containers for port in container.get("ports", ())}
    (service,) = [item for item in manifests if item["kind"] == "Service"]

    unresolved += [
        f"claim: {claim}" for pod in pods for claim in _claims(pod) if claim not in defined
    ]
    unresolved += [
        f"volume: {mount['name']}"
        for pod in pods
        for container in pod["spec"]["containers"]
        for mount in container.get("volumeMounts", ())
        if mount["name"] not in {volume["name"] for volume in pod["spec"].get("volumes", ())}
    ]
    unresolved += [
        f"selector of {item['kind']}: {selector}"
        for item in manifests
        if (selector := _selector(item))
        and not any(selector.items() <= candidate.items() for candidate in labels)
    ]
    unresolved += [
        f"port: {port['targetPort']}"
        for port in service["spec"]["ports"]
        if port["targetPort"] not in ports
    ]
    unresolved += [
        f"secret: {source}"
        for container in containers
        for source in container["envFrom"]
        if source != {"secretRef": {"name": service["metadata"]["name"]}}
    ]
    unresolved += [f"image: {image}" for image in images ^ {i["name"] for i in overlay["images"]}]
    unresolved += [
        f"replicas: {item['name']}"
        for item in overlay["replicas"]
        if ("Deployment", item["name"]) not in defined
    ]
    return unresolved + _build_errors(project / OVERLAY)


def _claims(pod: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for volume in pod["spec"].get("volumes", ()):
        yield "PersistentVolumeClaim", volume["persistentVolumeClaim"]["claimName"]


def _selector(manifest: dict[str, Any]) -> dict[str, str]:
    selector = manifest["spec"].get("selector", {})
    labels: dict[str, str] = selector.get("matchLabels", selector)
    return labels


def _build_errors(overlay: Path) -> list[str]:
    """Return the errors of `kubectl kustomize`, where it is installed."""
    kubectl = shutil.which("kubectl")
    if kubectl is None:
        return []
    result = subprocess.run(
        [kubectl, "kustomize", overlay], capture_output=True, text=True, check=False
    )
    return [result.stderr] if result.returncode else []
