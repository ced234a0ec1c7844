import hashlib
import re
from pathlib import Path

from django.core.management import call_command

ROOT = Path(__file__).parent.parent.parent
VENDOR = ROOT / "static" / "vendor"


def test_the_files_of_others_are_those_of_the_list():
    rows = r"^\| `(\S+)` \|.*\| `(\w{64})` \|$"
    listed = dict(re.findall(rows, (VENDOR / "README.md").read_text(), re.MULTILINE))
    present = {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in VENDOR.iterdir()
        if path.is_file() and path.name != "README.md"
    }
    assert listed == present


def test_every_licence_of_the_list_is_there():
    named = set(re.findall(r"licences/(\w+\.txt)", (VENDOR / "README.md").read_text()))
    assert named == {path.name for path in (VENDOR / "licences").iterdir()}


def test_production_finds_every_file_that_another_one_names(settings, tmp_path):
    settings.STATIC_ROOT = tmp_path
    settings.STORAGES = {
        **settings.STORAGES,
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.ManifestStaticFilesStorage"},
    }
    call_command("collectstatic", interactive=False, verbosity=0)  # raises when a file is missing
    assert (tmp_path / "staticfiles.json").exists()


def test_every_icon_that_a_template_names_exists():
    icons = set(re.findall(r'<symbol id="([\w-]+)"', (ROOT / "static" / "icons.svg").read_text()))
    templates = "".join(path.read_text() for path in (ROOT / "templates").rglob("*.html"))
    named = set(re.findall(r'components/_icon\.html" with name="([\w-]+)"', templates))
    named |= set(re.findall(r'\bicon="([\w-]+)"', templates))
    assert named <= icons


def test_templates_carry_no_style_and_no_script_of_their_own():
    forbidden = re.compile(r"<style|\sstyle=|\son\w+=|<script(?![^>]*\b(?:src|type=\"application/json\"))")
    offenders = [
        str(path) for path in (ROOT / "templates").rglob("*.html") if forbidden.search(path.read_text())
    ]
    assert offenders == []
