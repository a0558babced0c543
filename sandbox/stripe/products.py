"""Products and prices: as much as the lines of an invoice refer to."""

from __future__ import annotations

from typing import Any

from sandbox.stripe.account import Account, Thing
from sandbox.stripe.calls import Call, Op
from sandbox.stripe.fields import BOOLEAN, EXPAND, METADATA, PAGE, SPAN, TEXT, Spec, many, need
from sandbox.stripe.listing import page, within
from sandbox.stripe.merging import metadata

UNNAMED = "prod_Unnamed"


def new_product(account: Account, given: dict[str, Any], id: str = "") -> Thing:
    """A product."""
    now = account.now()
    null = ("default_price", "package_dimensions", "shippable", "statement_descriptor", "unit_label", "url")
    return account.add(
        "product",
        {
            **dict.fromkeys(null),
            "active": given.get("active", True),
            "created": now,
            "description": given.get("description"),
            "images": given.get("images") or [],
            "livemode": False,
            "marketing_features": [],
            "metadata": metadata({}, given),
            "name": given["name"],
            "tax_code": given.get("tax_code"),
            "type": "service",
            "updated": now,
        },
        id=id,
    )


def product_of(account: Account, price: dict[str, Any]) -> str:
    """The product of inline price fields. Raises Refused for one that is unknown."""
    if price.get("product_data"):
        return str(new_product(account, price["product_data"])["id"])
    if price.get("product"):
        return str(account.living("product", price["product"], "price_data[product]")["id"])
    if UNNAMED not in account.things:
        new_product(account, {"name": "Invoice item"}, UNNAMED)
    return UNNAMED


def _create(call: Call) -> Thing:
    made = new_product(call.account, call.given, call.given.get("id") or "")
    call.account.tell("product.created", made)
    return made


def _update(call: Call) -> Thing:
    product = call.account.living("product", call.ids[0], status=404)
    with call.account.changing(product, "product.updated"):
        for name in ("name", "description", "active", "tax_code"):
            if name in call.given:
                product[name] = call.given[name]
        product["metadata"] = metadata(product["metadata"], call.given)
    return product


def _list(call: Call) -> Thing:
    given = call.given

    def fits(one: Thing) -> bool:
        return given.get("active") in (None, one["active"]) and within(given.get("created"), one["created"])

    return page(call.account, "product", given, "/v1/products", fits=fits)


_CHANGED: Spec = {
    **EXPAND,
    "active": BOOLEAN,
    "description": TEXT,
    "images": many(TEXT),
    "metadata": METADATA,
    "name": TEXT,
    "tax_code": TEXT,
}
OPERATIONS = (
    Op("POST", "/v1/products", _create, {**_CHANGED, "name": need(TEXT), "id": TEXT}, "create"),
    Op("GET", "/v1/products", _list, {**PAGE, "active": BOOLEAN, "created": SPAN}),
    Op("GET", "/v1/products/{}", lambda call: call.account.living("product", call.ids[0], status=404)),
    Op("POST", "/v1/products/{}", _update, _CHANGED, "update"),
)
