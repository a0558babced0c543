"""The translation of bench/mappings/deals/message.in.yaml in other mapping languages, each with its engine.

Every package is installed on its own, by pip, into a folder of its own, and is no part of the project.
BENCH_PEERS names a folder to keep them in, and to find them in the next time. Each is given the benefit of
the doubt: what its language cannot say is done by the host or left out, never in a way that slows it down.
"""

from __future__ import annotations

import importlib
import subprocess
import sys
from collections.abc import Callable, Mapping
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any, NamedTuple

from bench.peers import Missing

INSTALL_SECONDS = 300
Record = Mapping[str, Any]

TERMS = {"net_15": "NET15", "net_30": "NET30", "net_60": "NET60"}
TAX = {"standard": "S-DE", "reduced": "AA-DE", "zero": "Z-DE"}
RATES = {"standard": 19, "reduced": 7, "zero": 0}
PERIODS = {"P1M": "monthly", "P1Y": "annual", "once": "one_time"}
COUNTRIES = {"Germany": "DE", "France": "FR", "Austria": "AT"}


class Package(NamedTuple):
    """What is installed for a language."""

    name: str
    version: str
    load: Callable[[], Engine]

    @property
    def label(self) -> str:
        """As it is named in figures."""
        return f"{self.name} {self.version}"


class Engine(NamedTuple):
    """One language, ready to translate."""

    translate: Callable[[Record], dict[str, Any]]
    formula: Callable[[str], Any]  # one of bench.cents, with NUMBER() and CENTS() in it
    cannot: str
    of_text: Callable[[str], str] | None = None  # JSON in, JSON out, where the engine can do that by itself


_JSONATA = """
( $terms := {"net_15": "NET15", "net_30": "NET30", "net_60": "NET60"};
  $tax := {"standard": "S-DE", "reduced": "AA-DE", "zero": "Z-DE"};
  $rates := {"standard": 19, "reduced": 7, "zero": 0};
  $periods := {"P1M": "monthly", "P1Y": "annual", "once": "one_time"};
  $countries := {"Germany": "DE", "France": "FR", "Austria": "AT"};
  { "topic": "sales order",
    "body": {
      "external_id": "crm:deal:" & deal.id,
      "order_date": $substring(deal.closed_at, 0, 10),
      "currency": $uppercase($trim(deal.currency)),
      "payment_terms": $lookup($terms, deal.terms),
      "po_number": deal.po,
      "memo": $join([deal.name, deal.po, deal.owner], " / "),
      "starts_on": deal.start,
      "customer": {
        "external_id": "crm:company:" & company.id,
        "name": $trim(company.name),
        "country": $lookup($countries, company.country),
        "vat_id": $uppercase($replace(company.vat_id, " ", "")),
        "address": company.street & ", " & company.zip & " " & company.city,
        "email": $lowercase($trim(contact.email)),
        "contact": $join([contact.first, contact.last], " ") },
      "lines": $map(items, function($item, $index) {(
        $given := $item.properties;
        $quantity := $number($given.quantity);
        $price := $number($given.price);
        $discount := $given.discount ? $number($given.discount) : 0;
        $amount := $quantity * $price * (1 - $discount / 100);
        { "line_no": $index + 1,
          "external_id": "crm:line:" & $item.id,
          "sku": $uppercase($given.sku),
          "description": $substring($given.name, 0, 60),
          "quantity": $quantity,
          "unit_price": $price,
          "discount": $discount,
          "net_amount": $round($amount, 2),
          "tax_amount": $round($amount * $lookup($rates, $given.tax_group) / 100, 2),
          "tax_code": $lookup($tax, $given.tax_group),
          "recurrence": $lookup($periods, $given.period ? $given.period : "once") } )}) } } )
"""
_NO_JSONATA = (
    "binary floats; $round takes the even neighbour; no time zones by name (the day is cut from the text); "
    "a value or table entry that is missing is left out without a word"
)


def _jsonata_formula(formula: str) -> str:
    return formula.replace("NUMBER(", "$number(").replace("CENTS(", "$round(").replace(";", ", 2")


def _jsonatapy() -> Engine:
    """The quickest JSONata for Python there is: written in Rust."""
    jsonatapy: Any = importlib.import_module("jsonatapy")
    compiled = jsonatapy.compile(_JSONATA)
    return Engine(
        compiled.evaluate, lambda formula: jsonatapy.compile(_jsonata_formula(formula)).evaluate({}),
        _NO_JSONATA, compiled.evaluate_json,
    )  # fmt: skip


def _jsonata_python() -> Engine:
    jsonata: Any = importlib.import_module("jsonata.jsonata")
    compiled = jsonata.Jsonata(_JSONATA)
    return Engine(
        compiled.evaluate,
        lambda formula: jsonata.Jsonata(_jsonata_formula(formula)).evaluate({}),
        _NO_JSONATA,
    )


_CEL_DISCOUNT = "(item.properties.discount == null ? 0.0 : double(item.properties.discount))"
_CEL_AMOUNT = (
    f"double(item.properties.quantity) * double(item.properties.price) * (1.0 - {_CEL_DISCOUNT} / 100.0)"
)
_CEL = f"""
{{ "topic": "sales order",
  "body": {{
    "external_id": "crm:deal:" + deal.id,
    "order_date": left(deal.closed_at, 10),
    "currency": upper(trim(deal.currency)),
    "payment_terms": terms[deal.terms],
    "po_number": deal.po,
    "memo": deal.name + " / " + deal.po + " / " + deal.owner,
    "starts_on": deal.start,
    "customer": {{
      "external_id": "crm:company:" + company.id,
      "name": trim(company.name),
      "country": countries[company.country],
      "vat_id": upper(without_spaces(company.vat_id)),
      "address": company.street + ", " + company.zip + " " + company.city,
      "email": lower(trim(contact.email)),
      "contact": contact.first + " " + contact.last }},
    "lines": items.map(item, {{
      "external_id": "crm:line:" + item.id,
      "sku": upper(item.properties.sku),
      "description": left(item.properties.name, 60),
      "quantity": double(item.properties.quantity),
      "unit_price": double(item.properties.price),
      "discount": {_CEL_DISCOUNT},
      "net_amount": cents({_CEL_AMOUNT}),
      "tax_amount": cents({_CEL_AMOUNT} * rates[item.properties.tax_group] / 100.0),
      "tax_code": tax[item.properties.tax_group],
      "recurrence": periods[item.properties.period == null ? "once" : item.properties.period] }}) }} }}
"""
_CEL_TABLES = {
    "terms": TERMS, "tax": TAX, "rates": {key: float(rate) for key, rate in RATES.items()},
    "periods": PERIODS, "countries": COUNTRIES,
}  # fmt: skip
_CEL_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "upper": str.upper, "lower": str.lower, "trim": str.strip, "left": lambda text, count: text[:count],
    "without_spaces": lambda text: text.replace(" ", ""), "cents": lambda number: round(number, 2),
}  # fmt: skip


def _cel() -> Engine:
    cel: Any = importlib.import_module("cel")
    compiled = cel.compile(_CEL)

    def context(names: Record) -> Any:
        made = cel.Context()
        made.update(names)
        made.update(_CEL_TABLES)
        for name, function in _CEL_FUNCTIONS.items():
            made.add_function(name, function)
        return made

    def translate(record: Record) -> dict[str, Any]:
        made: dict[str, Any] = compiled.execute(context(record))
        for number, line in enumerate(made["body"]["lines"], 1):
            line["line_no"] = number
        return made

    def formula(text: str) -> Any:
        told = text.replace("NUMBER(", "double(").replace("CENTS(", "cents(").replace(";", "")
        return cel.compile(told).execute(context({}))

    return Engine(
        translate, formula,
        "binary floats; no rounding, upper and lower case, positions, names for what is worked out twice, or "
        "leaving out a field without a value: functions of the host do the first four "
        "(cents by Python's round(), as most would); a missing table entry "
        "fails without a field",
    )  # fmt: skip


_HEADER = {
    "external_id": "'crm:deal:' + deal['id']",
    "order_date": "day(deal['closed_at'])",
    "currency": "upper(trim(deal['currency']))",
    "payment_terms": "terms[deal['terms']]",
    "po_number": "deal['po']",
    "memo": "deal['name'] + ' / ' + deal['po'] + ' / ' + deal['owner']",
    "starts_on": "day(deal['start'])",
}
_CUSTOMER = {
    "external_id": "'crm:company:' + company['id']",
    "name": "trim(company['name'])",
    "country": "countries[company['country']]",
    "vat_id": "upper(without_spaces(company['vat_id']))",
    "address": "company['street'] + ', ' + company['zip'] + ' ' + company['city']",
    "email": "lower(trim(contact['email']))",
    "contact": "contact['first'] + ' ' + contact['last']",
}
_LINE = {
    "external_id": "'crm:line:' + item['id']",
    "sku": "upper(given['sku'])",
    "description": "given['name'][:60]",
    "quantity": "number(given['quantity'])",
    "unit_price": "number(given['price'])",
    "discount": "number(given['discount'] or 0)",
    "net_amount": "cents(quantity * unit_price * (1 - discount / 100))",
    "tax_amount": "cents(quantity * unit_price * (1 - discount / 100) * rates[given['tax_group']] / 100)",
    "tax_code": "tax[given['tax_group']]",
    "recurrence": "periods[given['period'] or 'once']",
}


def _simpleeval() -> Engine:
    """Every field an expression of its own, read once; the host goes over the fields and the lines."""
    simpleeval: Any = importlib.import_module("simpleeval")
    functions = {
        "upper": str.upper, "lower": str.lower, "trim": str.strip, "day": lambda text: text[:10],
        "without_spaces": lambda text: text.replace(" ", ""), "number": Decimal,
        "cents": lambda number: number.quantize(Decimal("0.01"), ROUND_HALF_UP),
    }  # fmt: skip
    tables = {"terms": TERMS, "tax": TAX, "rates": RATES, "periods": PERIODS, "countries": COUNTRIES}
    evaluator = simpleeval.EvalWithCompoundTypes(functions=functions)
    header, customer, line = (
        {field: (text, evaluator.parse(text)) for field, text in fields.items()}
        for fields in (_HEADER, _CUSTOMER, _LINE)
    )

    def filled(fields: Mapping[str, tuple[str, Any]], names: dict[str, Any]) -> dict[str, Any]:
        evaluator.names, made = names, {}
        for field, (text, tree) in fields.items():
            # what is worked out already has a name of its own in the fields after it
            names[field] = made[field] = evaluator.eval(text, previously_parsed=tree)
        return made

    def translate(record: Record) -> dict[str, Any]:
        body = filled(header, {**record, **tables})
        body["customer"] = filled(customer, {**record, **tables})
        body["lines"] = [
            {"line_no": number, **filled(line, {"item": item, "given": item["properties"], **tables})}
            for number, item in enumerate(record["items"], 1)
        ]
        return {"topic": "sales order", "body": body}

    def formula(text: str) -> Any:
        evaluator.names = {}
        return evaluator.eval(text.replace("NUMBER(", "number(").replace("CENTS(", "cents(").replace(";", ""))

    return Engine(
        translate, formula,
        "no exact numbers, rounding, tables or lists of its own: the host hands in Decimal, rounds half up, "
        "so amounts are exact, and goes over the fields itself, so it could name the one that fails",
    )  # fmt: skip


PACKAGES = (
    Package("jsonatapy", "2.2.13", _jsonatapy),
    Package("jsonata-python", "0.7.1", _jsonata_python),
    Package("common-expression-language", "0.10.0", _cel),
    Package("simpleeval", "1.0.8", _simpleeval),
)
JSONATA = frozenset({"jsonatapy", "jsonata-python"})


def ready(package: Package, folder: Path) -> Engine:
    """The engine of a package, installed where it is not there yet. Raises Missing."""
    _install(package, folder)
    sys.path.append(str(folder))  # at the end: nothing of ours is replaced
    try:
        return package.load()
    except Exception as problem:  # whatever it is, the other figures are worth having
        raise Missing(f"it does not load: {type(problem).__name__}: {str(problem)[:200]}") from problem
    finally:
        sys.path.remove(str(folder))


def _install(package: Package, folder: Path) -> None:
    if folder.exists():
        return
    print(f"  installing {package.label} (at most {INSTALL_SECONDS} s)", flush=True)
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    command += ["--only-binary", ":all:", "--target", str(folder)]
    command += [f"{package.name}=={package.version}"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=INSTALL_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        raise Missing(f"pip took longer than {INSTALL_SECONDS} s") from None
    if done.returncode:
        raise Missing(f"pip failed: {done.stderr.strip()[-200:]}")
