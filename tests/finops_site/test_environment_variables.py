import re
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent


def test_env_example_lists_exactly_what_the_settings_read():
    settings = (ROOT / "finops_site" / "settings.py").read_text()
    example = (ROOT / ".env.example").read_text()
    read = re.findall(r'\benv(?:\.\w+)?\(\s*"([A-Z_]+)"', settings)
    listed = re.findall(r"^#?([A-Z_]+)=", example, flags=re.MULTILINE)
    assert sorted(listed) == sorted(set(read))


def test_every_type_declared_in_the_settings_is_of_a_variable_that_is_read():
    settings = (ROOT / "finops_site" / "settings.py").read_text()
    declared = re.findall(r"^    ([A-Z_]+)=\(", settings, flags=re.MULTILINE)
    read = re.findall(r'\benv\("([A-Z_]+)"', settings)
    assert set(declared) <= set(read)
