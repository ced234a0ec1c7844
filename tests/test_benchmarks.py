"""Benchmarks print figures and fail no test; that they still run is tested here, on small sizes."""

from bench import quotes


def test_the_benchmark_of_quotes_prints_each_figure_beside_its_goal(logged_in, capsys):
    quotes.measure_login()
    quotes.measure_calculation(quotes.make_quote(4))
    quotes.measure_edit(logged_in, quotes.make_quote(12))
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 7
    assert all("goal: " in line for line in lines)
