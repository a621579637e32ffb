#!/usr/bin/env python3
"""The questions of benches/segments.rs, asked of DuckDB, Polars, SQLite and CRoaring on the same people.

  pip install duckdb polars pyroaring numpy
  REGULARS_BENCH_PEOPLE=1000000 REGULARS_BENCH_DUMP=/tmp/shop cargo bench --bench segments
  python3 benches/peers/segments.py /tmp/shop

Prints a row a question: how many people, and the median of 15 runs in milliseconds, one thread each. Data is loaded and
indexed as each peer likes it before anything is timed; answers have to be equal.
"""
import sqlite3
import statistics
import sys
import time

import duckdb
import numpy
import polars
import pyroaring

NOW, DAY = 1767225600000, 86400000
RUNS = 15

SQL = {
    "a": "select person from customers where (country in ('DE','FR','NL') or tier='gold') and consent"
         " and gender<>'X' and source<>'paid_social'",
    "b": "select person from customers where ltv between 5000 and 50000 and age between 25 and 40",
    "c": f"select person from events where event='ordered' and ts>{NOW - 90 * DAY} and ts<={NOW} group by person"
         f" having count(*)>=2 intersect select person from events where event='viewed' and category=3"
         f" and ts>{NOW - 30 * DAY} and ts<={NOW} except select person from events where event='delivered'"
         f" and ts>{NOW - 7 * DAY} and ts<={NOW}",
    "d": "select distinct person from lines where brand=0 and person not in (select person from lines where brand=1)",
    "e": "select person from events where event='ordered' group by person having sum(cents) between 5000 and 50000",
}


def timed(ask):
    ask()
    spent = []
    for _ in range(RUNS):
        started = time.perf_counter()
        count = ask()
        spent.append(time.perf_counter() - started)
    return count, statistics.median(spent) * 1000


def of_duckdb(folder):
    db = duckdb.connect()
    db.execute("set threads=1")
    for name in ("customers", "events", "lines"):
        db.execute(f"create table {name} as select * from read_csv('{folder}/{name}.csv')")
    return {key: timed(lambda sql=sql: db.execute(f"select count(*) from ({sql})").fetchone()[0]) for key, sql in SQL.items()}


def of_sqlite(folder):
    db = sqlite3.connect(":memory:")
    for name in ("customers", "events", "lines"):
        rows = polars.read_csv(f"{folder}/{name}.csv")
        db.execute(f"create table {name} ({', '.join(rows.columns)})")
        db.executemany(f"insert into {name} values ({', '.join('?' * rows.width)})", rows.iter_rows())
    db.execute("create index e on events (event, ts, category, person)")
    db.execute("create index l on lines (brand, person)")
    return {key: timed(lambda sql=sql: db.execute(f"select count(*) from ({sql})").fetchone()[0]) for key, sql in SQL.items()}


def of_polars(folder):
    text = ["country", "tier", "gender", "source"]
    customers = polars.read_csv(f"{folder}/customers.csv").with_columns(polars.col(text).cast(polars.Categorical))
    events = polars.read_csv(f"{folder}/events.csv").with_columns(polars.col("event").cast(polars.Categorical)).sort("ts")
    lines = polars.read_csv(f"{folder}/lines.csv")
    col = polars.col

    def lately(event, days, more=True):
        recent = events.lazy().filter((col("event") == event) & (col("ts") > NOW - days * DAY) & (col("ts") <= NOW) & more)
        return recent

    def behavior():
        often = lately("ordered", 90).group_by("person").len().filter(col("len") >= 2)
        viewed = lately("viewed", 30, col("category") == 3).select("person").unique()
        return often.join(viewed, on="person", how="semi").join(lately("delivered", 7), on="person", how="anti").collect().height

    def brands():
        bought = lines.lazy().filter(col("brand") == 0).select("person").unique()
        return bought.join(lines.lazy().filter(col("brand") == 1), on="person", how="anti").collect().height

    def spent():
        sums = events.lazy().filter(col("event") == "ordered").group_by("person").agg(col("cents").sum())
        return sums.filter(col("cents").is_between(5000, 50000)).collect().height

    traits = (col("country").is_in(["DE", "FR", "NL"]) | (col("tier") == "gold")) & col("consent")
    traits = traits & (col("gender") != "X") & (col("source") != "paid_social")
    ranges = col("ltv").is_between(5000, 50000) & col("age").is_between(25, 40)
    count = lambda rule: customers.lazy().filter(rule).select(polars.len()).collect().item()
    asks = {"a": lambda: count(traits), "b": lambda: count(ranges), "c": behavior, "d": brands, "e": spent}
    return {key: timed(ask) for key, ask in asks.items()}


def of_croaring(folder):
    """Bitmaps a value, made by hand beforehand: only the questions that they answer."""
    customers = polars.read_csv(f"{folder}/customers.csv")
    lines = polars.read_csv(f"{folder}/lines.csv")

    def people(table, rule):
        return pyroaring.BitMap(numpy.unique(table.filter(rule)["person"].to_numpy()).astype(numpy.uint32))

    col = polars.col
    country = [people(customers, col("country") == name) for name in ("DE", "FR", "NL")]
    gold, consent = people(customers, col("tier") == "gold"), people(customers, col("consent"))
    x, social = people(customers, col("gender") == "X"), people(customers, col("source") == "paid_social")
    brands = [people(lines, col("brand") == brand) for brand in (0, 1)]
    return {
        "a": timed(lambda: len(((country[0] | country[1] | country[2] | gold) & consent) - x - social)),
        "d": timed(lambda: brands[0].difference_cardinality(brands[1])),
    }


def main():
    folder = sys.argv[1]
    peers = {"DuckDB": of_duckdb, "Polars": of_polars, "SQLite": of_sqlite, "CRoaring by hand": of_croaring}
    found = {}
    for name, ask in peers.items():
        print(f"asking {name} ...", file=sys.stderr)
        found[name] = ask(folder)
    print(f"{'':10}" + "".join(f"{name:>18}" for name in peers))
    for key in SQL:
        counts = {answers[key][0] for answers in found.values() if key in answers}
        assert len(counts) == 1, f"{key}: {counts}"
        cells = [f"{found[name][key][1]:.3f} ms" if key in found[name] else "-" for name in peers]
        print(f"{key} {counts.pop():>8}" + "".join(f"{cell:>18}" for cell in cells))


if __name__ == "__main__":
    # One thread each, as ours.
    import os
    if os.environ.get("POLARS_MAX_THREADS") != "1":
        os.execve(sys.executable, [sys.executable, *sys.argv], {**os.environ, "POLARS_MAX_THREADS": "1"})
    main()
