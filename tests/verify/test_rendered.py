"""What tells one rendered project from another, so that nothing is proven twice or not at all."""

from pathlib import Path

from generator.verify.matrix.rows import Row
from generator.verify.rendered import RenderedProject

SECRET = "0123456789abcdef" * 4


def project(folder: Path, **files: str) -> RenderedProject:
    made = RenderedProject(Row("row", {}), folder)
    made.folder.mkdir(parents=True)
    for name, text in files.items():
        (made.folder / name.replace("_", ".")).write_text(text)
    return made


def test_a_random_secret_does_not_tell_two_services_apart(tmp_path: Path) -> None:
    one = project(tmp_path / "one", _env=f"MODE=a\nSECRET_KEY={SECRET}\n")
    other = project(tmp_path / "other", _env=f"MODE=a\nSECRET_KEY={SECRET[::-1]}\n")

    assert one.runtime_key() == other.runtime_key()


def test_everything_else_does(tmp_path: Path) -> None:
    keys = {
        project(tmp_path / str(number), **files).runtime_key()
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
