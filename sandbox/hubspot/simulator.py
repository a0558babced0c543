"""The simulated account as tests and stories use it: its app, its users' actions, its webhooks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from sandbox.hubspot import merging, seeding, standard
from sandbox.hubspot.account import Account
from sandbox.hubspot.api import Api
from sandbox.hubspot.associations import Associations
from sandbox.hubspot.batches import Batches
from sandbox.hubspot.gate import SCOPES, Gate
from sandbox.hubspot.oauth import Grant, OAuth
from sandbox.hubspot.objects import Objects, type_of
from sandbox.hubspot.portal import Portal
from sandbox.hubspot.records import Stored
from sandbox.hubspot.refusals import Refused, locked, migrating, rate_limited, unavailable
from sandbox.hubspot.rules import RESTRICTIONS, Restriction
from sandbox.hubspot.setup import Definitions
from sandbox.hubspot.webhooks import MODES, RETRIES, SIGNATURES, Receipt, Sender
from sandbox.kit import Fault, Kit, build

USER = "CRM_UI"
TOKEN = "pat-na1-sandbox"
CLIENT_SECRET = "sandbox-client-secret"


def _utc_now() -> datetime:
    return datetime.now(UTC)


class HubSpotSandbox:
    """One account. Actions of its users are methods here; whatever the hub does comes over the API."""

    def __init__(
        self,
        *,
        now: Callable[[], datetime] = _utc_now,
        token: str = TOKEN,
        client_secret: str = CLIENT_SECRET,
        portal_id: int = 24_681_357,
        currency: str = "USD",
        time_zone: str = "UTC",
        target: str = "",
        retries: Sequence[float] = RETRIES,
        with_added_properties: bool = True,
    ) -> None:
        self.kit = Kit()
        self.token, self.client_secret, self.portal_id = token, client_secret, portal_id
        self.webhooks = Sender(self.kit, now, client_secret, portal_id, target=target, retries=retries)
        known = standard.properties(with_added=with_added_properties)
        self.portal = Portal(now, self.webhooks.announce, known)
        self.oauth = OAuth(self.kit, now, client_secret, portal_id)
        self.gate = Gate(token, now, self.oauth, ZoneInfo(time_zone))
        self.objects = Objects(self.portal, self.kit)
        self.batches = Batches(self.objects)
        self.associations = Associations(self.portal, self.kit)
        self.definitions = Definitions(self.portal, self.kit)
        self.account = Account(self.portal, self.gate, self.kit, portal_id, currency, time_zone)
        api = Api(
            self.kit,
            self.gate,
            self.objects,
            self.batches,
            self.associations,
            self.definitions,
            self.account,
        )
        control = Route("/_sandbox/webhooks", self._control, methods=["GET", "POST"])
        self.app = build(self.kit, [control, *api.routes()])

    def create_company(self, **properties: str) -> str:
        """A user adds a company; returns its id."""
        return self._create("companies", properties)

    def create_contact(self, company: str = "", **properties: str) -> str:
        """A user adds a contact, of a company if one is given; returns its id."""
        id = self._create("contacts", properties)
        if company:
            self.associate("contacts", id, "companies", company, primary=True)
        return id

    def create_deal(self, company: str = "", contact: str = "", **properties: str) -> str:
        """A user adds a deal, open in the default pipeline unless told otherwise; returns its id."""
        stage = {"pipeline": "default", "dealstage": "appointmentscheduled"}
        id = self._create("deals", {**({} if "pipeline" in properties else stage), **properties})
        if company:
            self.associate("deals", id, "companies", company, primary=True)
        if contact:
            self.associate("deals", id, "contacts", contact)
        return id

    def create_line_item(self, deal: str = "", **properties: str) -> str:
        """A user adds a line to a deal; returns its id."""
        id = self._create("line_items", properties)
        if deal:
            self.associate("deals", deal, "line_items", id)
        return id

    def create(self, kind: str, **properties: str) -> str:
        """A user adds an object of any type; returns its id."""
        return self._create(type_of(kind), properties)

    def seed(
        self,
        *,
        deals: int,
        companies: int = 0,
        lines_per_deal: int = 2,
        won: float = 1.0,
        apart: float = 1.0,
    ) -> seeding.Seeded:
        """An account that has been in use: this many deals, quickly and in little memory.

        Deals belong to companies by turns and have `lines_per_deal` lines each; `won` is the share won. They
        were changed `apart` seconds after each other, the last one now; 0: all at one instant, as after an
        import. Nothing is announced, nothing counts as an effect.
        """
        with self.kit.lock:
            return seeding.fill(
                self.portal,
                deals=deals,
                companies=companies,
                lines_per_deal=lines_per_deal,
                won=won,
                apart=apart,
            )

    def _create(self, kind: str, properties: dict[str, str]) -> str:
        with self.kit.lock:
            return self.portal.create(kind, properties, USER).id

    def associate(self, kind: str, id: str, far: str, far_id: str, *, primary: bool = False) -> None:
        """A user links two objects."""
        with self.kit.lock:
            self.portal.associate(type_of(kind), id, type_of(far), far_id, primary=primary, source=USER)

    def update(self, kind: str, id: str, properties: dict[str, str]) -> None:
        """A user changes properties."""
        with self.kit.lock:
            one = self.portal.get(type_of(kind), id)
            self.portal.update(one, properties, USER)

    def win(self, deal: str) -> None:
        """A user drags a deal to the won stage of its pipeline."""
        with self.kit.lock:
            one = self.portal.get("deals", deal)
            owner = next(p for p in self.portal.pipelines if p.id == one.properties["pipeline"])
            self.portal.update(one, {"dealstage": owner.won().id}, USER)

    def delete(self, kind: str, id: str) -> None:
        """A user deletes an object."""
        with self.kit.lock:
            self.portal.archive(self.portal.get(type_of(kind), id), USER)

    def restore(self, kind: str, id: str) -> None:
        """A user takes a deletion back."""
        with self.kit.lock:
            self.portal.restore(self.portal.get(type_of(kind), id, archived=True), USER)

    def dissociate(self, kind: str, id: str, far: str, far_id: str) -> None:
        """A user parts two objects."""
        with self.kit.lock:
            self.portal.dissociate(type_of(kind), id, type_of(far), far_id, USER)

    def merge(self, kind: str, primary: str, other: str) -> str:
        """A user merges two objects; returns the id of what came of it."""
        with self.kit.lock:
            mint = self.objects.merges_mint_ids
            return merging.merge(self.portal, type_of(kind), primary, other, USER, mint=mint).id

    def authorize(self, redirect_uri: str, scopes: Iterable[str] = SCOPES) -> str:
        """An admin lets an app in; returns the code that their browser takes to the app."""
        with self.kit.lock:
            return self.oauth.code(scopes, redirect_uri)

    def install(self, scopes: Iterable[str] = SCOPES) -> Grant:
        """An app was let in before the story starts; its `refresh_token` is good until it is removed."""
        with self.kit.lock:
            return self.oauth.grant(scopes)

    def uninstall(self) -> None:
        """An admin removes the app: all its tokens are worth nothing now."""
        with self.kit.lock:
            for grant in self.oauth.grants.values():
                grant.revoked = True

    def restrict(self, kind: str, name: str, rule: str, *arguments: str) -> None:
        """An admin gives a property a validation rule. Raises ValueError for one never carried out here."""
        if rule not in RESTRICTIONS:
            raise ValueError(f"rules: {', '.join(sorted(RESTRICTIONS))}")
        with self.kit.lock:
            held = self.portal.restrictions.setdefault((type_of(kind), name), [])
            held.append(Restriction(rule, arguments))

    def remove_pipeline(self, id: str) -> None:
        """An admin archives a pipeline; deals in it keep stages that no longer show."""
        with self.kit.lock:
            self.portal.pipelines = [one for one in self.portal.pipelines if one.id != id]

    def properties(self, kind: str, id: str) -> dict[str, str]:
        """All property values of an object, as a user sees them."""
        with self.kit.lock:
            return dict(self._stored(kind, id).properties)

    def _stored(self, kind: str, id: str) -> Stored:
        return self.portal.objects[type_of(kind)][id]

    def rate_limit(self, policy: str, times: int = 1, path: str = "") -> None:
        """Answer the next calls with a 429 of this policy: SECONDLY, TEN_SECONDLY_ROLLING or DAILY."""
        self._refuse(rate_limited(policy), times, path)

    def lock(self, times: int = 1, path: str = "") -> None:
        """Answer the next calls with 423: too much at once for one resource."""
        self._refuse(locked(), times, path)

    def migrate(self, seconds: int, times: int = 1, path: str = "") -> None:
        """Answer the next calls with 477: the account is being moved, come back in `seconds`."""
        self._refuse(migrating(), times, path, {"retry-after": str(seconds)})

    def outage(self, status: int = 503, times: int = 1, path: str = "") -> None:
        """Answer the next calls with a 502, 503, 504 or 524."""
        self._refuse(unavailable(status), times, path)

    def _refuse(self, refused: Refused, times: int, path: str, headers: dict[str, str] | None = None) -> None:
        fault = Fault(
            kind="refuse",
            status=refused.status,
            body=refused.body,
            times=times,
            path=path,
            headers=headers or {},
        )
        with self.kit.lock:
            self.kit.faults.append(fault)

    def send_pending(self) -> list[Receipt]:
        """Deliver queued webhooks now, and those whose retry is due."""
        return self.webhooks.send_pending()

    def resend(self, count: int = 1) -> list[Receipt]:
        """Deliver the last accepted webhooks once more."""
        return self.webhooks.resend(count)

    def deliver_reversed(self) -> list[Receipt]:
        """Deliver queued webhooks one event at a time, the last one first."""
        return self.webhooks.deliver_reversed()

    async def _control(self, request: Request) -> JSONResponse:
        """`{"mode": normal|duplicate|reorder|delay, "seconds", "target", "signatures", "send", ...}`."""
        if request.method == "POST":
            asked = await request.json()
            if asked.get("mode", "normal") not in MODES:
                return JSONResponse({"error": f"mode must be one of {', '.join(MODES)}"}, status_code=400)
            if not set(asked.get("signatures") or ["v3"]) <= set(SIGNATURES):
                told = f"signatures are some of {', '.join(SIGNATURES)}"
                return JSONResponse({"error": told}, status_code=400)
            await run_in_threadpool(self._obey, asked)
        return JSONResponse(self._standing())

    def _obey(self, asked: dict[str, Any]) -> None:
        with self.kit.lock:
            sender = self.webhooks
            sender.mode = str(asked.get("mode", sender.mode))
            sender.hold = float(asked.get("seconds", sender.hold))
            sender.target = str(asked.get("target", sender.target))
            sender.signatures = tuple(asked.get("signatures") or sender.signatures)
        if asked.get("send"):
            self.send_pending()
        if asked.get("reversed"):
            self.deliver_reversed()
        if asked.get("resend"):
            self.resend(int(asked["resend"]))

    def _standing(self) -> dict[str, Any]:
        with self.kit.lock:
            sender = self.webhooks
            return {
                "mode": sender.mode,
                "target": sender.target,
                "pending": len(sender.pending),
                "waiting": len(sender.waiting),
                "delivered": len(sender.delivered),
                "given_up": len(sender.given_up),
            }
