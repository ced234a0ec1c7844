"""Benchmarks print figures and fail no test; that they still run is tested here, on small sizes."""

from django.utils import timezone

from accounts.models import User
from bench import budgets, consumption, costs, overview, quotes, scale, trends
from bench.accounts import add_accounts
from consumption.models import Ledger, ResourceUsage
from consumption.periods import ONE_DAY, Period
from costs import refreshing
from sandbox.cloud import DEMO_KEY
from tests.caches import IN_A_TABLE


def test_the_benchmark_of_quotes_prints_each_figure_beside_its_goal(logged_in, capsys):
    quotes.measure_login()
    owner = User.objects.for_account(DEMO_KEY.account_id)
    quotes.measure_calculation(quotes.make_quote(owner, 4))
    quotes.measure_edit(logged_in, quotes.make_quote(owner, 12))
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 7
    assert all("goal: " in line for line in lines)


def test_the_benchmark_of_the_current_cost_prints_each_figure_beside_its_goal(logged_in, capsys):
    costs.warm_up()
    costs.measure_memory()
    costs.measure_reading(times=2)
    refreshing.whole(costs.new_gateway(), with_objects=False)
    costs.measure_page(logged_in, times=2)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 13
    assert all("goal: " in line for line in lines)


def test_the_longest_chain_of_pages_counts_what_must_follow_another_list():
    gateway = costs.new_gateway()
    gateway.pages.update({"ReadVolumes": 4, "ReadVms": 3, "ReadVmTypes": 2, "ReadNatServices": 1})
    assert gateway.chain == 5


def test_the_benchmark_of_the_history_prints_each_figure_beside_its_goal(logged_in, capsys):
    month = consumption.months(1)
    days = Period(month.first, month.first.replace(day=3))
    consumption.warm_up()
    consumption.measure_reading("two days", days)
    consumption.measure_size()
    consumption.measure_views(logged_in, days, times=2)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3 + 5 + 3 * len(consumption.VIEWS)
    assert all("goal: " in line for line in lines)


def test_the_benchmark_of_the_trends_prints_each_figure_beside_its_goal(logged_in, capsys):
    month = consumption.months(1)
    trends.keep(Period(month.first, month.first.replace(day=2)))
    trends.measure_trends(logged_in, times=1)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 1 + 3 * (len(trends.TRENDS) + 1)
    assert all("goal: " in line for line in lines)


def test_the_benchmark_of_the_budgets_prints_each_figure_beside_its_goal(logged_in, capsys):
    month = consumption.months(1)
    trends.keep(Period(month.first, month.first.replace(day=2)))
    made = budgets.make_budgets(User.objects.for_account(DEMO_KEY.account_id), 4)
    budgets.measure_standings(made, times=1)
    budgets.measure_pages(logged_in, made, times=1)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 1 + 6 + 3 * 5
    assert all("goal: " in line for line in lines)


def test_the_benchmark_of_the_overview_prints_each_figure_beside_its_goal(logged_in, capsys):
    month = consumption.months(1)
    trends.keep(Period(month.first, month.first.replace(day=3)))
    budgets.make_budgets(User.objects.for_account(DEMO_KEY.account_id), 2)
    add_accounts(logged_in, timezone.now())
    overview.measure_overview(logged_in, times=1)
    overview.measure_allocation(logged_in, month, times=1)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2 + 7 + 5
    kept = [ledger.resources.count() for ledger in Ledger.objects.all()]
    assert len(kept) == 3
    assert len(set(kept)) == 1
    assert all("goal: " in line for line in lines)


def test_the_benchmark_of_the_scale_prints_each_figure_beside_its_goal(logged_in, capsys):
    today = timezone.now().date()
    days = Period(today - 3 * ONE_DAY, today - ONE_DAY)
    trends.keep(days)
    scale.measure_current_cost()
    scale.measure_work("a night", lambda: scale.sync_a_day(today))
    scale.measure_budgets()
    scale.measure_pages(logged_in, times=1)
    scale.measure_tables()
    lines = capsys.readouterr().out.splitlines()
    assert all("goal: " in line for line in lines)
    [asked] = [line for line in lines if line.startswith("    ReadConsumptionAccount")]
    assert int(asked.split()[1]) >= 31
    [runs] = [line for line in lines if line.startswith("consumption_resourceusage, ")]
    assert f" {ResourceUsage.objects.count():,} rows" in runs
    if IN_A_TABLE:
        assert any(line.startswith("cache, sums: ") for line in lines)
