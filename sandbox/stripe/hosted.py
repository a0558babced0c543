"""The hosted invoice page: what a customer sees at hosted_invoice_url, with a button that pays."""

from __future__ import annotations

from html import escape

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from sandbox.kit import Kit
from sandbox.stripe import people
from sandbox.stripe.account import Account, Thing, World
from sandbox.stripe.refusals import Refused

_PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Invoice {number}</title>
<body><h1>Invoice {number}</h1><p>{seller} to {buyer}</p><p>Status: <b>{status}</b></p>
<p>{remaining} of {due} {currency} to pay (in the smallest unit).</p>{form}</body></html>"""
_FORM = """<form method="post"><button name="method" value="card">Pay by card</button>
<button name="method" value="us_bank_account">Pay by bank debit</button></form>"""


class Hosted:
    """Pages for customers; whoever knows the address may pay."""

    def __init__(self, kit: Kit, world: World) -> None:
        self.kit, self.world = kit, world

    def routes(self) -> list[Route]:
        """The page and its document."""
        return [
            Route("/i/{account}/{token}", self._page, methods=["GET", "POST"]),
            Route("/i/{account}/{token}/pdf", self._document, methods=["GET"]),
        ]

    def _find(self, request: Request) -> tuple[Account, Thing] | None:
        account = self.world.accounts.get(request.path_params["account"])
        cut = request.path_params["token"].rpartition("_")
        invoice = account.things.get(cut[0]) if account else None
        if account is None or invoice is None or invoice.get("_secret") != cut[2]:
            return None
        return account, invoice

    async def _page(self, request: Request) -> Response:
        sent = (await request.body()).decode("utf-8", "replace")
        with self.kit.lock:
            self.world.clock.tick()
            found = self._find(request)
            if found is None:
                return HTMLResponse("This invoice is not known.", status_code=404)
            account, invoice = found
            if request.method == "POST":
                method = "us_bank_account" if "us_bank_account" in sent else "card"
                try:
                    people.pay(account, invoice["id"], method=method)
                except Refused as refused:
                    return HTMLResponse(escape(str(refused)), status_code=refused.status)
                return RedirectResponse(str(request.url), status_code=303)
            return HTMLResponse(_page_of(account, invoice))

    async def _document(self, request: Request) -> Response:
        with self.kit.lock:
            found = self._find(request)
        if found is None:
            return HTMLResponse("This invoice is not known.", status_code=404)
        return Response(_document(found[1]), media_type="application/pdf")


def _page_of(account: Account, invoice: Thing) -> str:
    return _PAGE.format(
        number=escape(str(invoice["number"])),
        seller=escape(account.name),
        buyer=escape(invoice["customer_name"] or invoice["customer"]),
        status=invoice["status"],
        remaining=invoice["amount_remaining"],
        due=invoice["amount_due"],
        currency=invoice["currency"].upper(),
        form=_FORM if invoice["status"] == "open" else "",
    )


def _document(invoice: Thing) -> bytes:
    """A one-page PDF with the number and the total."""
    text = f"Invoice {invoice['number']}  {invoice['total']} {invoice['currency'].upper()}"
    safe = text.encode("latin-1", "replace").replace(b"\\", b"").replace(b"(", b"").replace(b")", b"")
    stream = b"BT /F1 18 Tf 72 720 Td (" + safe + b") Tj ET"
    parts = (
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R "
        b"/Resources << /Font << /F1 5 0 R >> >> >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(stream), stream),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    )
    out, places = b"%PDF-1.4\n", []
    for at, part in enumerate(parts, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (at, part)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    tail = b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(parts) + 1, len(out))
    return out + b"xref\n0 %d\n0000000000 65535 f \n" % (len(parts) + 1) + table + tail
