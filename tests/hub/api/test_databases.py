"""Every list and page of the API is answered by both databases alike."""

from __future__ import annotations

from pathlib import Path

import httpx

from tests.ui import company as companies

PATHS = (
    "overview",
    "ledger/balances",
    "documents?kind=order&search=so-47",
    "documents?kind=invoice&search=northw",
    "documents?kind=order&state=held",
    "cases",
    "cases?reason=credit_hold",
    "deliveries?state=done",
    "deliveries?connection=crm",
    "outbox",
    "outbox?state=dead&connection=erp",
    "connections",
    "audit?after=5",
)


def test_both_databases_answer_every_list(tmp_path: Path, database_url: str) -> None:
    with companies.busy(tmp_path, database_url) as company, companies.served(company) as url:
        headers = {"authorization": f"Bearer {company.tokens['admin']}"}
        with httpx.Client(base_url=f"{url}/api/v1/", headers=headers, timeout=20) as client:
            for path in PATHS:
                answer = client.get(path)
                assert answer.status_code == 200, f"{path}: {answer.text}"
                assert answer.json(), path
            assert len(client.get(PATHS[2]).json()["items"]) == 6
            assert len(client.get(PATHS[3]).json()["items"]) == 2
            (case,) = client.get("cases?reason=unmatched_payment").json()["items"]
            body = {"decision": "on_account", "values": {"customer": company.ids["Northwind Traders"]}}
            assert client.post(f"cases/{case['id']}/decision", json=body).status_code == 200
            row = client.get("deliveries").json()["items"][0]["id"]
            assert client.post(f"deliveries/{row}/replay").status_code == 200
            assert client.get(f"orders/{company.ids['SO-4711']}/timeline").json()
        with httpx.Client(base_url=url, timeout=20) as browser:
            token = browser.get("/login").text.partition('name="form_token" value="')[2].partition('"')[0]
            form = {"form_token": token, "token": company.tokens["admin"]}
            assert browser.post("/login", data=form).status_code == 303
            for path in (
                "/",
                "/invoices?search=north",
                f"/cases/{company.case('credit_hold')}",
                f"/deliveries/{row}",
            ):
                assert browser.get(path).status_code == 200, path
        company.hub.store.database.close()
