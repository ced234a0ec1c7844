import threading
import time
from datetime import date, timedelta

import pytest
import requests

from sandbox.cloud import DEMO_KEY, REFUSED_KEY
from sandbox.faults import Faults
from sandbox.server import running
from tests.sandbox.openapi import assert_error_is_valid


def status_and_code(response):
    assert_error_is_valid(response.content)
    return response.status_code, response.json()["Errors"][0]["Code"]


@pytest.mark.parametrize(
    ("kind", "answer"), [("throttle", (429, "24")), ("error", (500, "2000")), ("unavailable", (503, "6"))]
)
def test_a_fault_without_a_number_goes_on_until_it_is_cleared(sandbox, post, kind, answer):
    sandbox.faults.add("ReadRegions", kind)
    assert [status_and_code(post("ReadRegions")) for _ in range(3)] == [answer] * 3
    assert post("ReadPublicCatalog").status_code == 200

    sandbox.faults.clear("ReadRegions")
    assert post("ReadRegions").status_code == 200


def test_a_fault_with_a_number_hits_that_many_calls(sandbox, post):
    sandbox.faults.add("ReadRegions", "throttle", 2)

    assert [post("ReadRegions").status_code for _ in range(4)] == [429, 429, 200, 200]


def test_faults_of_several_kinds_follow_one_another(sandbox, post):
    sandbox.faults.add("ReadRegions", "throttle", 1)
    sandbox.faults.add("ReadRegions", "error", 1)

    assert [post("ReadRegions").status_code for _ in range(3)] == [429, 500, 200]


def test_a_fault_on_a_call_comes_before_one_on_all_calls(sandbox, post):
    sandbox.faults.add("*", "error")
    sandbox.faults.add("ReadRegions", "throttle")

    assert (post("ReadRegions").status_code, post("ReadPublicCatalog").status_code) == (429, 500)


def test_a_fault_can_be_aimed_at_one_region(sandbox, post):
    sandbox.faults.add("us-west-1/*", "unavailable")

    assert post("ReadRegions", region="us-west-1").status_code == 503
    assert post("ReadRegions").status_code == 200


def test_a_refusal_comes_after_the_signature_was_found_right(sandbox, post):
    sandbox.faults.add("ReadAccounts", "refuse")

    assert status_and_code(post("ReadAccounts", key=DEMO_KEY)) == (401, "4")
    assert status_and_code(post("ReadAccounts")) == (401, "1")


@pytest.mark.parametrize(
    ("argument", "answer"), [("403/4", (403, "4")), ("400/4120", (400, "4120")), ("429/25", (429, "25"))]
)
def test_any_status_and_code_can_be_asked_for(sandbox, post, argument, answer):
    sandbox.faults.add("ReadRegions", "answer", argument)

    assert status_and_code(post("ReadRegions")) == answer


def test_broken_json_is_a_success_cut_short(sandbox, post):
    sandbox.faults.add("ReadRegions", "broken-json", 1)

    response = post("ReadRegions")

    assert (response.status_code, response.text[0]) == (200, "{")
    with pytest.raises(requests.JSONDecodeError):
        response.json()


def test_a_broken_500_is_a_page_instead_of_json(sandbox, post):
    sandbox.faults.add("ReadRegions", "broken-500")

    response = post("ReadRegions")

    assert (response.status_code, response.headers["Content-Type"]) == (500, "text/html")


def test_a_list_error_has_a_json_list_for_a_body(sandbox, post):
    sandbox.faults.add("ReadRegions", "list-error")

    response = post("ReadRegions")

    assert (response.status_code, response.json()) == (400, ["bad request"])


def test_latency_delays_an_answer_and_changes_nothing_else(sandbox, post):
    sandbox.faults.add("ReadRegions", "latency", 60)

    start = time.monotonic()
    response = post("ReadRegions")

    assert response.status_code == 200
    assert 0.06 <= time.monotonic() - start < 1


def test_latency_and_another_fault_come_together(sandbox, post):
    sandbox.faults.add("*", "latency", 60)
    sandbox.faults.add("ReadRegions", "throttle")

    start = time.monotonic()

    assert post("ReadRegions").status_code == 429
    assert time.monotonic() - start >= 0.06


def test_a_reset_breaks_the_connection(sandbox, post):
    sandbox.faults.add("ReadRegions", "reset", 1)

    with pytest.raises(requests.ConnectionError, match="reset by peer"):
        post("ReadRegions")
    assert post("ReadRegions").status_code == 200


def test_a_hang_keeps_silent_as_long_as_asked_then_closes(sandbox, post):
    sandbox.faults.add("ReadRegions", "hang", 0.05)

    with pytest.raises(requests.ConnectionError, match="without response"):
        post("ReadRegions")


def test_a_client_can_lose_patience_with_a_hang(sandbox):
    sandbox.faults.add("ReadRegions", "hang")

    with pytest.raises(requests.ReadTimeout):
        requests.post(f"{sandbox.region_url('eu-west-2')}/ReadRegions", json={}, timeout=0.05)


def test_a_hang_ends_when_the_sandbox_does():
    failures = []

    def ask(url):
        try:
            requests.post(f"{url}/ReadRegions", json={}, timeout=30)
        except requests.ConnectionError as error:
            failures.append(error)

    with running() as sandbox:
        sandbox.faults.add("*", "hang")
        thread = threading.Thread(target=ask, args=(sandbox.region_url("eu-west-2"),))
        thread.start()
        while not sandbox.requests.count("ReadRegions"):
            time.sleep(0.001)
        start = time.monotonic()
    thread.join()

    assert len(failures) == 1
    assert time.monotonic() - start < 1


def test_reset_ends_every_fault(sandbox, post):
    sandbox.faults.add("*", "error")
    sandbox.reset()

    assert post("ReadRegions").status_code == 200


def consumption(post, day, **parameters):
    following = str(date.fromisoformat(day) + timedelta(days=1))
    return post("ReadConsumptionAccount", {"FromDate": day, "ToDate": following, **parameters}, DEMO_KEY)


def test_a_fault_can_be_aimed_at_one_day_of_consumption(sandbox, post):
    sandbox.faults.add("ReadConsumptionAccount@2026-10-05", "error")
    sandbox.faults.add("us-west-1/ReadConsumptionAccount@2026-10-06", "error")
    sandbox.faults.parse("ReadConsumptionAccount@2026-10-07=answer:400/3001")

    assert status_and_code(consumption(post, "2026-10-05")) == (500, "2000")
    assert status_and_code(consumption(post, "2026-10-07")) == (400, "3001")
    assert consumption(post, "2026-10-06").status_code == 200
    midnight = {"FromDate": "2026-10-05T00:00:00Z", "ToDate": "2026-10-06"}
    assert post("ReadConsumptionAccount", midnight, DEMO_KEY).status_code == 500
    assert post("ReadVms", key=DEMO_KEY).status_code == 200


def test_a_fault_on_one_day_comes_before_one_on_every_day_and_leaves_it_to_the_others(sandbox, post):
    sandbox.faults.add("ReadConsumptionAccount", "throttle")
    sandbox.faults.add("ReadConsumptionAccount@2026-10-05", "error", 1)

    statuses = [consumption(post, day).status_code for day in ("2026-10-04", "2026-10-05", "2026-10-05")]

    assert statuses == [429, 500, 429]


def test_consumption_without_prices_is_what_is_answered_when_none_are_asked_for(sandbox, post):
    bare = consumption(post, "2026-10-05").json()
    sandbox.faults.add("ReadConsumptionAccount", "without-prices", 1)

    older, priced = (consumption(post, "2026-10-05", ShowPrice=True).json() for _ in range(2))

    assert "Currency" not in older
    assert older["ConsumptionEntries"] == bare["ConsumptionEntries"]
    assert priced["Currency"] == "EUR"


def test_a_cloud_without_prices_answers_every_other_call_as_ever(sandbox, post):
    sandbox.faults.add("*", "without-prices")

    assert post("ReadVms", key=DEMO_KEY).json()["Vms"]


@pytest.mark.parametrize(
    "text",
    [
        "ReadVms",
        "ReadVms@=error",
        "ReadVms@20261005=error",
        "ReadVms@2026-02-30=error",
        "=error",
        "ReadVms=nonsense",
        "ReadVms=latency",
        "ReadVms=error:many",
        "ReadVms=answer:x/4",
    ],
)
def test_a_fault_that_makes_no_sense_is_refused(text):
    with pytest.raises(ValueError, match=r"."):
        Faults().parse(text)


def test_a_fault_can_be_written_as_on_the_command_line(sandbox, post):
    sandbox.faults.parse("ReadRegions=throttle:1")
    sandbox.faults.parse("ReadAccounts=answer:403/4")

    assert post("ReadRegions").status_code == 429
    assert status_and_code(post("ReadAccounts", key=REFUSED_KEY)) == (403, "4")
