"""The keys of rendered projects: equal keys share the proof of a stage."""

from pathlib import Path

from generator.verify.matrix.rows import Row
from generator.verify.rendered import RenderedProject

SECRET = "0123456789abcdef" * 4


def make_project(folder: Path, **files: str) -> RenderedProject:
    """Write the files; underscores in names become dots."""
    project = RenderedProject(Row("row", {}), folder)
    project.folder.mkdir(parents=True)
    for name, text in files.items():
        (project.folder / name.replace("_", ".")).write_text(text)
    return project


def test_random_secret_keeps_runtime_key(tmp_path: Path) -> None:
    one = make_project(tmp_path / "one", _env=f"MODE=a\nSECRET_KEY={SECRET}\n")
    other = make_project(tmp_path / "other", _env=f"MODE=a\nSECRET_KEY={SECRET[::-1]}\n")

    assert one.runtime_key() == other.runtime_key()


def test_other_text_changes_runtime_key(tmp_path: Path) -> None:
    keys = {
        make_project(tmp_path / str(number), **files).runtime_key()
        for number, files in enumerate(
            [
                {"_env": f"MODE=a\nSECRET_KEY={SECRET}\n"},
                {"_env": f"MODE=b\nSECRET_KEY={SECRET}\n"},
                {"_env": "MODE=a\n"},
                {"_env": "MODE=a\nSECRET_KEY=\n"},
                {"main_py": f"KEY={SECRET}\n"},
                {"main_py": f"KEY={SECRET[::-1]}\n"},
            ]
        )
    }

    assert len(keys) == 5
