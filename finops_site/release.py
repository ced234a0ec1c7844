"""Which release is running, in short texts: the same on every host that runs the same."""

from hashlib import sha256
from pathlib import Path

FLOORS = ("accounts", "costs", "quotes", "consumption", "budgets", "finops_site")
"""The folders of the code."""

PAGES = ("templates", "static", "locale")
"""The folders of what pages are made of besides."""


def sum_of(folder: Path) -> str:
    """Return a sum of the code in ``folder`` and of the libraries it asks for; other code, another sum."""
    code = (path for name in FLOORS for path in (folder / name).rglob("*.py"))
    return _sum_of_files(folder, [folder / "requirements.txt", *code])


def sum_of_pages(folder: Path) -> str:
    """Return a sum of what pages are made of besides: templates, styles, scripts and translations."""
    files = (path for name in PAGES for path in (folder / name).rglob("*"))
    return _sum_of_files(folder, [path for path in files if path.is_file()])


def _sum_of_files(folder: Path, files: list[Path]) -> str:
    found = sha256()
    for path in sorted(files):
        content = path.read_bytes()
        found.update(f"{path.relative_to(folder).as_posix()} {len(content)}\n".encode() + content)
    return found.hexdigest()[:12]
