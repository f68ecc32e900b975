"""Test rules for tables, and note in $out/check.json what does not fit them.

    {"held": false, "seen": "344 rows, 8 columns",
     "found": [{"what": "bill: 2 of 344 values are not between 20 and 70",
                "rows": [1, …], "lines": ["row 1: 391.1", …]}]}

Rows are counted from 1, without the header. In csv and tsv everything is text: what cannot be read as the type that a
rule says is found like any other value that does not fit. Missing are empty values and, in text, the "na-values".
Rules: manifest/rules.py of nivis, "normalised".

Environment: rulesPath (JSON), tablesPath (JSON: path and, of a swept step, label of each table), sensitive, out.
"""

import difflib
import json
import os
from datetime import date, datetime

import polars as pl

SHOWN = 5  # examples
LONGEST = 80  # characters of one

# The words that pandas takes for a missing value.
NA = (
    "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "<NA>", "N/A", "NA",
    "NULL", "NaN", "None", "n/a", "nan", "null",
)  # fmt: skip
COUNT = "number in the table"  # no column of anybody's
TYPES = {
    "text": "text", "integer": "an integer", "number": "a number", "boolean": "true or false", "date": "a date",
    "datetime": "a date or time",
}  # fmt: skip
REASONS = {"found more fields": "a row has more fields than the header", "empty CSV": "it is empty"}


# ------------------------------------------------------------------------------------------ reading


def scan(path, rules):
    """Return a table as a lazy frame, all text where its format has no types."""
    kind = rules["format"]
    if kind == "parquet":
        return pl.scan_parquet(path)
    if kind == "jsonl":
        return pl.scan_ndjson(path, infer_schema_length=None)
    if kind == "json":
        return pl.read_json(path, infer_schema_length=None).lazy()
    separator = rules.get("separator", "\t" if kind == "tsv" else ",")
    return pl.scan_csv(path, separator=separator, infer_schema=False, null_values=["", *rules.get("na-values", NA)])


def wanted(rules, names):
    """Return the columns that rules are about, of those that are there."""
    asked = {*rules["columns"], *rules.get("unique", ())}
    return [name for name in names if name in asked]


def load(path, rules):
    """Return the names of all columns, the number of rows, and a frame of what rules are about."""
    lazy = scan(path, rules)
    names = lazy.collect_schema().names()
    columns = wanted(rules, names)
    # Of other columns a count: so every field of a text is looked at, but not kept, and a row with too many is found.
    others = [pl.col(name).null_count().alias(f"{COUNT} {name}") for name in names if name not in columns]
    frame = lazy.select(*columns, *others, pl.len().alias(COUNT)).collect()
    return names, frame[COUNT][0] if frame.height else 0, frame


# ------------------------------------------------------------------------------------------- values


def number(series):
    """Return text as numbers, null where it is none."""
    return series.str.strip_chars().cast(pl.Float64, strict=False)


def moment(series):
    """Return text in ISO 8601 as times, those with an offset in UTC; null where it is none."""
    text = series.str.strip_chars().str.replace(" ", "T", literal=True).str.replace("Z$", "+00:00")
    zoned = text.str.to_datetime("%Y-%m-%dT%H:%M:%S%.f%:z", strict=False, time_unit="us", time_zone="UTC")
    found = zoned.dt.replace_time_zone(None)
    for form in ("%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%dT%H:%M"):
        found = found.fill_null(text.str.to_datetime(form, strict=False, time_unit="us"))
    return found.fill_null(text.str.to_date("%Y-%m-%d", strict=False).cast(pl.Datetime("us")))


def boolean(series):
    """Return text as booleans."""
    return (
        series.str.strip_chars()
        .str.to_lowercase()
        .replace_strict({"true": True, "false": False}, default=None, return_dtype=pl.Boolean)
    )


def whole(series):
    """Return numbers, null where one has a fraction."""
    return series.set(series != series.floor(), None) if series.dtype.is_float() else series


def read(series, kind, *, untyped):
    """Return a column as values of a type, null where one is not; None if it has another type altogether."""
    dtype = series.dtype
    is_text = dtype in (pl.String, pl.Categorical) or isinstance(dtype, pl.Enum)
    if dtype == pl.Null or kind is None:
        return series
    if kind == "text":
        return series.cast(pl.String) if is_text else None
    if is_text and (untyped or kind in {"date", "datetime"}):
        series = series.cast(pl.String)
        if kind == "integer":
            return whole(number(series))  # 2.0 as well: so pandas writes whole numbers of which some are missing
        if kind == "date":
            return series.str.strip_chars().str.to_date("%Y-%m-%d", strict=False)
        return {"number": number, "boolean": boolean, "datetime": moment}[kind](series)
    if kind in {"integer", "number"} and dtype.is_numeric():
        return whole(series) if kind == "integer" else series
    if kind == "boolean" and dtype == pl.Boolean:
        return series
    if kind == "date" and dtype == pl.Date:
        return series
    if kind == "datetime" and dtype.is_temporal() and dtype != pl.Time:
        zone = getattr(dtype, "time_zone", None)
        series = series.dt.convert_time_zone("UTC").dt.replace_time_zone(None) if zone else series
        return series.cast(pl.Datetime("us"))
    return None


def type_of(dtype):
    """Name a type as people do."""
    if dtype in (pl.String, pl.Categorical) or isinstance(dtype, pl.Enum):
        return TYPES["text"]
    known = {"integer": dtype.is_integer(), "number": dtype.is_numeric(), "boolean": dtype == pl.Boolean}
    known |= {"date": dtype == pl.Date, "datetime": isinstance(dtype, pl.Datetime)}
    return next((TYPES[kind] for kind, fits in known.items() if fits), str(dtype))


def bound(text, kind):
    """Return a bound as a value that a column of a type is compared with."""
    if kind in {"date", "datetime"}:
        return datetime.fromisoformat(text) if len(text) > len("2026-11-20") else date.fromisoformat(text)
    return text


def comparable(series, limit):
    """Return a column as what a bound is compared with: times by their day where the bound is a day."""
    is_day = isinstance(limit, date) and not isinstance(limit, datetime)
    return series.dt.date() if is_day and isinstance(series.dtype, pl.Datetime) else series


# -------------------------------------------------------------------------------------------- rules


class Findings:
    """What does not fit in one table, with examples."""

    def __init__(self, *, sensitive):
        self.sensitive = sensitive
        self.found = []

    def add(self, what, series=None, where=None):
        """Note a finding; ``where`` (booleans) says in which rows, ``series`` what is there."""
        finding = {"what": what}
        if where is not None:
            rows = where.fill_null(value=False).arg_true().head(SHOWN).to_list()
            finding["rows"] = [row + 1 for row in rows]
            finding["lines"] = [f"row {row + 1}" for row in rows]
            if series is not None and not self.sensitive:
                finding["lines"] = [f"row {row + 1}: {shown(series[row])}" for row in rows]
        self.found.append(finding)


def shown(value):
    """Return a value as text, a long one cut."""
    if isinstance(value, dict):
        return ", ".join(f"{key} {shown(inner)}" for key, inner in value.items())
    text = "missing" if value is None else str(value)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"


def share(count, total):
    """Return ``12 of 344 values``."""
    return f"{count} of {total} value{'' if total == 1 else 's'} {'is' if count == 1 else 'are'}"


def test_column(name, series, rule, findings, *, untyped):
    """Test one column: its type, then what its values may be, then which may be missing or twice."""
    total = len(series)
    if series.dtype.is_float():
        series = series.fill_nan(None)
    missing = series.is_null()
    kind = rule.get("type")
    values = read(series, kind, untyped=untyped)
    if values is None:
        findings.add(f"{name}: is {type_of(series.dtype)}, not {TYPES[kind]}")
        return
    wrong = values.is_null() & ~missing
    if wrong.any():
        findings.add(f"{name}: {share(wrong.sum(), total)} not {TYPES[kind]}", series, wrong)
    test_range(name, series, values, rule, findings)
    if "one-of" in rule:
        outside = ~values.is_in(pl.Series(rule["one-of"], dtype=kind_of_list(values, rule["one-of"])).implode())
        if outside.any():
            allowed = ", ".join(str(value) for value in rule["one-of"][:10]) + (
                ", …" if len(rule["one-of"]) > 10 else ""
            )
            findings.add(f"{name}: {share(outside.sum(), total)} not one of {allowed}", series, outside)
    if "missing" in rule and missing.sum() > rule["missing"] * total:
        most = f", but at most {percent(rule['missing'])} may be" if rule["missing"] else ""
        part = f" ({percent(missing.sum() / total)})" if rule["missing"] else ""
        findings.add(f"{name}: {share(missing.sum(), total)} missing{part}{most}", None, missing)
    if rule.get("unique"):
        twice = series.is_duplicated() & ~missing
        if twice.any():
            findings.add(f"{name}: {share(twice.sum(), total)} there more than once", series, twice)


def kind_of_list(values, allowed):
    """Return the type to compare allowed values as."""
    return pl.String if isinstance(allowed[0], str) else values.dtype if values.dtype == pl.Boolean else pl.Float64


def test_range(name, series, values, rule, findings):
    """Test bounds and freshness."""
    kind, total = rule.get("type"), len(series)
    limits = {key: bound(rule[key], kind) for key in ("at-least", "at-most", "newest") if key in rule}
    below = comparable(values, limits["at-least"]) < limits["at-least"] if "at-least" in limits else None
    above = comparable(values, limits["at-most"]) > limits["at-most"] if "at-most" in limits else None
    if below is not None and above is not None:
        outside, what = below | above, f"not between {rule['at-least']} and {rule['at-most']}"
    elif below is not None:
        outside, what = below, f"less than {rule['at-least']}"
    else:
        outside, what = above, f"more than {rule.get('at-most')}"
    if outside is not None and outside.any():
        findings.add(f"{name}: {share(outside.sum(), total)} {what}", series, outside)
    if "newest" in limits:
        newest = comparable(values, limits["newest"]).max()
        if newest is None:
            findings.add(f"{name}: has no value, but one of {rule['newest']} or later is needed")
        elif newest < limits["newest"]:
            findings.add(f"{name}: the newest value is {newest}, but one of {rule['newest']} or later is needed")


def percent(part):
    """Return a share as people write it."""
    return f"{100 * part:.3g} %"


def test_rows(count, rule, findings):
    """Test the number of rows."""
    least, most = rule.get("at-least"), rule.get("at-most")
    if least is not None and least == most and count != least:
        findings.add(f"there are {count} rows, not {least}")
    elif least is not None and count < least:
        findings.add(f"there are {count} rows, fewer than {least}")
    elif most is not None and count > most:
        findings.add(f"there are {count} rows, more than {most}")


def test_names(names, rules, findings):
    """Test which columns there are."""
    for name in wanted_names(rules):
        if name not in names:
            near = difflib.get_close_matches(name, names, n=1)
            hint = f"is it '{near[0]}'?" if near else f"there are: {', '.join(names) or 'none'}"
            findings.add(f"there is no column '{name}'; {hint}")
    if rules.get("extra-columns") is False:
        extra = [name for name in names if name not in wanted_names(rules)]
        if extra:
            findings.add(f"there are other columns: {', '.join(extra)}")


def wanted_names(rules):
    """Return the columns that must be there, in order."""
    return list(dict.fromkeys([*rules["columns"], *rules.get("unique", ())]))


def examine(path, rules, *, sensitive):
    """Return what was seen of one table and what does not fit."""
    findings = Findings(sensitive=sensitive)
    try:
        names, count, frame = load(path, rules)
    except (OSError, pl.exceptions.PolarsError) as error:
        text = str(error).strip().partition("\n")[0] if os.path.exists(path) else "there is no such file"
        reason = next((known for start, known in REASONS.items() if text.startswith(start)), text)
        findings.add(f"'{os.path.basename(path)}' cannot be read as {rules['format']}: {reason}")
        return "", findings.found
    test_rows(count, rules.get("rows", {}), findings)
    test_names(names, rules, findings)
    for name, rule in rules["columns"].items():
        if name in names:
            test_column(name, frame[name], rule, findings, untyped=rules["format"] in {"csv", "tsv"})
    together = rules.get("unique", [])
    if together and all(name in names for name in together):
        rows = frame.select(together).to_struct()
        twice = rows.is_duplicated()
        if twice.any():
            what = f"{twice.sum()} of {count} rows are not the only ones with their {' and '.join(together)}"
            findings.add(what, rows, twice)
    return f"{count} rows, {len(names)} columns", findings.found


def main():
    """Test every table, and write what was found."""
    environ = os.environ
    with open(environ["rulesPath"], encoding="utf-8") as file:
        rules = json.load(file)
    with open(environ["tablesPath"], encoding="utf-8") as file:
        tables = json.load(file)
    seen, found = [], []
    for table in tables:
        saw, findings = examine(table["path"], rules, sensitive=bool(environ["sensitive"]))
        label = f"{table['label']}: " if "label" in table else ""
        seen += [label + saw] if saw else []
        found += [{**finding, "what": label + finding["what"]} for finding in findings]
    print("\n".join([*seen, *(line for finding in found for line in (finding["what"], *finding.get("lines", [])))]))
    os.mkdir(environ["out"])
    more = f" and {len(seen) - SHOWN} more tables" if len(seen) > SHOWN else ""
    document = {"held": not found, "seen": "; ".join(seen[:SHOWN]) + more, "found": found}
    with open(f"{environ['out']}/check.json", "w", encoding="utf-8") as file:
        json.dump(document, file, indent=1, sort_keys=True, ensure_ascii=False)
        file.write("\n")


if __name__ == "__main__":
    main()
