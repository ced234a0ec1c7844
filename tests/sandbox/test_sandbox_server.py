import os
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

from sandbox.__main__ import main
from sandbox.cloud import DEMO_KEY, crowd_key
from sandbox.server import running

ROOT = Path(__file__).parents[2]


@contextmanager
def command(*arguments):
    with subprocess.Popen(
        [sys.executable, "-m", "sandbox", "--port", "0", *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        process.stdout.readline()
        url = process.stdout.readline().strip().removeprefix("OUTSCALE_API_URL=")
        try:
            yield process, url
        finally:
            process.kill()


def test_the_log_tells_who_asked_what_where_with_which_parameters(sandbox, sdk, post):
    sdk(region="us-east-2").api("ReadVolumes", ResultsPerPage=5)
    post("ReadRegions")

    volumes, regions = sandbox.requests
    assert (volumes.call, volumes.region, volumes.access_key) == (
        "ReadVolumes",
        "us-east-2",
        DEMO_KEY.access_key,
    )
    assert volumes.parameters == {"ResultsPerPage": 5}
    assert (regions.call, regions.region, regions.access_key) == ("ReadRegions", "eu-west-2", "")
    assert volumes.time <= regions.time
    assert sandbox.requests.calls() == ["ReadVolumes", "ReadRegions"]
    assert sandbox.requests.count(access_key=DEMO_KEY.access_key) == 1
    assert sandbox.requests.count("ReadRegions", region="us-east-2") == 0
    assert sandbox.requests.count() == len(sandbox.requests) == 2


def test_the_log_holds_no_secret(sandbox, sdk):
    sdk().api("ReadAccounts")

    assert DEMO_KEY.secret_key not in repr(list(sandbox.requests))


def test_a_connection_is_kept_for_many_calls(sandbox, post):
    for _ in range(5):
        post("ReadRegions")

    assert len({received.peer_port for received in sandbox.requests}) == 1


def test_calls_on_a_kept_connection_take_no_forty_milliseconds(sandbox, post):
    post("ReadPublicCatalog")

    start = time.perf_counter()
    for _ in range(20):
        post("ReadPublicCatalog")

    assert (time.perf_counter() - start) / 20 < 0.02


def test_many_threads_are_served_at_once(sandbox):
    def ask(_):
        return requests.post(
            f"{sandbox.region_url('eu-west-2')}/ReadVmTypes", json={}, timeout=10
        ).status_code

    sandbox.faults.add("*", "latency", 100)
    start = time.monotonic()
    with ThreadPoolExecutor(30) as pool:
        statuses = list(pool.map(ask, range(30)))

    assert statuses == [200] * 30
    assert time.monotonic() - start < 2
    assert sandbox.requests.count("ReadVmTypes") == 30


def test_two_sandboxes_run_side_by_side():
    with running(seed=1) as first, running(seed=2) as second:
        first.faults.add("*", "error")
        answers = [
            requests.post(f"{sandbox.region_url('eu-west-2')}/ReadRegions", json={}, timeout=10).status_code
            for sandbox in (first, second)
        ]

    assert answers == [500, 200]


def test_a_stopped_sandbox_answers_no_more_not_even_on_a_kept_connection():
    with requests.Session() as session:
        with running() as sandbox:
            url = f"{sandbox.region_url('eu-west-2')}/ReadRegions"
            assert session.post(url, json={}, timeout=10).status_code == 200
        with pytest.raises(requests.ConnectionError):
            session.post(url, json={}, timeout=10)


def test_it_listens_on_loopback_only(sandbox):
    with socket.create_connection(("127.0.0.1", sandbox.port), timeout=5):
        pass
    # All of 127.0.0.0/8 is loopback on Linux: a server on every address would answer here too.
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.2", sandbox.port), timeout=5)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_command_serves_until_it_is_told_to_stop_and_leaves_cleanly(number):
    with command("--fault", "ReadRegions=throttle:1") as (process, url):
        address = url.format(region="us-west-1")
        answers = [requests.post(f"{address}/ReadRegions", json={}, timeout=10).status_code for _ in range(2)]
        process.send_signal(number)
        process.wait(timeout=10)
        output, errors = process.stdout.read(), process.stderr.read()

    assert answers == [429, 200]
    assert process.returncode == 0
    assert DEMO_KEY.access_key in output
    assert errors == ""


def test_the_command_stops_while_a_call_hangs():
    with command("--fault", "*=hang") as (process, url):
        with pytest.raises(requests.ReadTimeout):
            requests.post(f"{url.format(region='eu-west-2')}/ReadRegions", json={}, timeout=0.1)
        process.send_signal(signal.SIGTERM)

        assert process.wait(timeout=10) == 0


def test_the_command_adds_latency_to_every_call():
    with command("--latency-ms", "80") as (_, url):
        start = time.monotonic()
        requests.post(f"{url.format(region='eu-west-2')}/ReadRegions", json={}, timeout=10)

        assert time.monotonic() - start >= 0.08


@pytest.mark.parametrize("fault", ["ReadVms", "ReadVms=nonsense", "ReadVms=latency"])
def test_the_command_explains_a_fault_it_does_not_understand(fault, capsys):
    with pytest.raises(SystemExit) as caught:
        main(["--fault", fault])

    assert caught.value.code == 2
    assert "--fault" in capsys.readouterr().err


def test_the_command_says_when_its_port_is_taken(sandbox):
    done = subprocess.run(
        [sys.executable, "-m", "sandbox", "--port", str(sandbox.port)],
        cwd=ROOT,
        env={**os.environ, "LC_ALL": "C"},
        capture_output=True,
        text=True,
        timeout=10,
        check=False,
    )

    assert done.returncode == 1
    assert done.stderr == f"The sandbox cannot listen on 127.0.0.1:{sandbox.port}: Address already in use.\n"


def test_a_crowd_of_accounts_owns_something_each_and_its_keys_open_no_other_sandbox(sandbox):
    key = crowd_key(2)
    with running(crowd=2) as crowded:
        assert crowded.cloud.key("eu-west-2", key.access_key) == key
        owned = [crowded.cloud.inventory("eu-west-2", crowd_key(number).account_id) for number in (1, 2)]
        assert {vm.vm_id for vm in owned[0].vms}.isdisjoint(vm.vm_id for vm in owned[1].vms)
        assert crowded.cloud.key("eu-west-2", crowd_key(3).access_key) is None
    assert sandbox.cloud.key("eu-west-2", key.access_key) is None
