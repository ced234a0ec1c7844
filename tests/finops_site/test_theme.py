import pytest


def html_tag(response):
    return next(line for line in response.content.decode().splitlines() if line.startswith("<html"))


def test_without_a_choice_the_system_decides(client, db):
    assert html_tag(client.get("/")) == '<html lang="en">'


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_server_draws_the_chosen_theme(client, db, theme):
    client.post("/theme/", {"theme": theme})
    assert html_tag(client.get("/")) == f'<html lang="en" data-bs-theme="{theme}">'


def test_the_choice_can_be_taken_back(client, db):
    client.post("/theme/", {"theme": "dark"})
    client.post("/theme/", {"theme": "auto"})
    assert html_tag(client.get("/")) == '<html lang="en">'


def test_an_unknown_theme_is_refused_and_not_kept(client, db):
    response = client.post("/theme/", {"theme": "dark\" onload='x'"})
    assert response.status_code == 400
    assert "theme" not in client.cookies


def test_a_forged_cookie_counts_as_no_choice(client, db):
    client.cookies["theme"] = "neon"
    assert html_tag(client.get("/")) == '<html lang="en">'


@pytest.mark.parametrize(
    ("page", "target"),
    [
        ("/catalog/?region=eu-west-2", "/catalog/?region=eu-west-2"),
        ("https://elsewhere.example/", "/"),
        ("//elsewhere.example/", "/"),
        ("javascript:alert(1)", "/"),
        ("", "/"),
    ],
)
def test_the_way_back_never_leaves_the_portal(client, db, page, target):
    assert client.post("/theme/", {"theme": "dark", "next": page}).url == target


def test_a_link_cannot_change_the_theme(client):
    assert client.get("/theme/?theme=dark").status_code == 405
