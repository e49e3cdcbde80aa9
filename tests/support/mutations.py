"""Mutations that break a copy of the template on purpose."""

from collections.abc import Callable
from pathlib import Path

Mutation = Callable[[Path], None]


def replace_text(path: str, old: str, new: str, end: str = "") -> Mutation:
    """Replace the first occurrence of a text, and append another text."""

    def mutate(folder: Path) -> None:
        text = (folder / path).read_text()
        assert old in text
        (folder / path).write_text(text.replace(old, new, 1) + end)

    return mutate


def append_text(path: str, text: str) -> Mutation:
    def mutate(folder: Path) -> None:
        (folder / path).write_text((folder / path).read_text() + text)

    return mutate


def rename_file(old: str, new: str) -> Mutation:
    def mutate(folder: Path) -> None:
        (folder / old).rename(folder / new)

    return mutate


def add_file(path: str) -> Mutation:
    return lambda folder: (folder / path).touch()


def combine(*mutations: Mutation) -> Mutation:
    def mutate(folder: Path) -> None:
        for mutation in mutations:
            mutation(folder)

    return mutate
