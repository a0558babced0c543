"""Segments and data elements of what a supplier sends us: which, how long, of which type.

Facts of X12 004010 for 855, 865, 856, 810, 997, 999; where 005010 allows more, `LONGER`.
"""

from __future__ import annotations

import re
from functools import cache
from typing import NamedTuple

# Element: type and lengths. R has an explicit point, N2 none (two decimals implied), DT is CCYYMMDD.
_ELEMENTS = """
2:N0:1:6 12:ID:1:2 19:AN:2:30 22:AN:1:30 23:ID:1:1 26:ID:2:3 28:N0:1:9 40:ID:2:2 54:ID:2:2 65:R:1:8
66:ID:1:2 67:AN:2:80 76:AN:1:22 79:AN:1:50 80:N0:1:7 81:R:1:10 82:R:1:8 87:AN:1:48 88:ID:1:2 91:ID:1:2
92:ID:2:2 93:AN:1:60 96:N0:1:10 97:N0:1:6 98:ID:2:3 100:ID:3:3 103:AN:3:5 107:ID:1:2 116:AN:3:15
118:R:1:9 123:N0:1:6 127:AN:1:30 128:ID:2:3 133:ID:1:2 140:ID:2:4 143:ID:3:3 146:ID:2:2 156:ID:2:2
166:AN:1:55 183:R:1:8 187:ID:1:2 189:R:1:8 206:AN:1:4 207:AN:1:10 212:R:1:17 234:AN:1:48 235:ID:2:2
236:ID:3:3 280:R:4:10 284:ID:2:2 306:ID:1:2 309:ID:1:2 310:AN:1:30 323:DT:8:8 324:AN:1:22 326:AN:1:45
327:AN:1:8 328:AN:1:30 329:AN:4:9 330:R:1:15 331:ID:2:2 332:R:1:6 333:ID:1:2 334:ID:2:2 335:ID:2:3
336:ID:2:2 337:TM:4:8 338:R:1:6 342:R:1:5 349:ID:1:1 350:AN:1:20 351:N0:1:3 352:AN:1:80 353:ID:2:2
354:N0:1:6 355:ID:2:2 356:N0:1:6 357:R:1:8 358:R:1:10 362:N2:1:10 363:ID:3:3 364:AN:1:80 365:ID:2:2
366:ID:2:2 367:AN:1:30 368:ID:2:2 369:AN:1:45 370:DT:8:8 373:DT:8:8 374:ID:3:3 378:ID:1:1 380:R:1:15
382:R:1:10 384:R:1:9 385:R:1:9 386:N0:1:3 387:AN:1:35 388:DT:8:8 389:N2:1:10 396:AN:2:30 441:ID:1:1
446:DT:8:8 447:AN:1:6 478:ID:1:1 479:ID:2:2 480:AN:1:12 522:ID:1:3 559:ID:2:2 587:ID:2:2 610:N2:1:15
618:ID:1:3 620:ID:1:3 621:ID:1:3 623:ID:2:2 628:AN:1:12 639:ID:2:2 640:ID:2:2 646:R:1:15 648:ID:3:3
649:R:1:10 662:ID:1:1 668:ID:2:2 669:ID:3:3 670:ID:2:2 671:R:1:9 673:ID:2:2 706:ID:2:2 715:ID:1:1
716:ID:1:3 717:ID:1:1 718:ID:1:3 719:N0:1:6 720:ID:1:3 721:ID:2:3 723:ID:1:3 724:AN:1:99 725:N0:1:4
728:ID:1:2 734:AN:1:12 735:ID:1:2 736:ID:1:1 737:ID:2:2 738:ID:1:3 739:R:1:20 740:R:1:20 741:R:1:20
750:ID:2:3 751:AN:1:12 752:ID:2:2 765:N0:1:2 770:AN:1:20 782:R:1:18 786:ID:1:2 810:N0:1:6 819:AN:2:3
822:AN:1:15 828:R:1:9 883:ID:1:1 933:AN:1:264 934:ID:2:2 935:ID:2:2 936:ID:2:4 954:R:1:10 955:ID:2:2
956:AN:1:10 963:ID:2:2 1005:ID:4:4 1250:ID:2:3 1251:AN:1:35 1300:ID:4:4 1301:AN:1:10 325:AN:1:20
347:R:1:10 1705:AN:1:35 C030:C:0:0 C001:C:0:0 C040:C:0:0
"""
LONGER = {"127": 50, "76": 22, "234": 80, "364": 256, "93": 60, "352": 80}  # from 005010 on

# Elements in their order; ! mandatory. Behind the bar: P all or none, R one of them, C the first needs.
_SEGMENTS = """
ST 143! 329! 1705
SE 96! 329!
BAK 353! 587! 324! 373! 328 326 367 127 373 640
BCA 353! 587 324! 328 327 373! 326 367 127 373 373 373 92 786 640
BSN 353! 396! 373! 337! 1005 640 306
BIG 373! 76! 373 324 328 327 640 353 306 76
NTE 363 352!
CUR 98! 100! 280 98 100 669
REF 128! 127 352 C040 | R0203
PER 366! 93 365 364 365 364 365 364 | P0304 P0506 P0708
FOB 146! 309 352 334 335 309 352 54 352
SAC 248! 1300 559 1301 610 378 332 118 355 380 380 331 127 770 352 819 | R0203 P0304 P0607 P0910 C1110
ITD 336 333 338 370 351 446 386 362 388 389 342 352 765 107 954
DTM 374! 373 337 623 1250 1251 | R020305 C0403 P0506
N1 98! 93 66 67 706 98 | R0203 P0304
N2 93! 93
N3 166! 166
N4 19 156 116 26 309 310 | C0605
N9 128! 127 369 373 337 623 C040 | R0203 C0605
MSG 933! 934
TD1 103 80 23 22 79 187 81 355 183 355 | C0102 C0304 P0708 P0910
TD3 40 206 207 187 81 355 102? 407? 225? | C0203
TD5 133 66 67 91 387 368 309 310 731? 732? 733? 284 | C0203
PO1 350 330 355 212 639 (235 234)10 | C0302 C0504
POC 350 670! 330 671 C001 212 639 (235 234)10 | C0706
IT1 350 358 355 212 639 (235 234)10 | P020304
LIN 350 235! 234! (235 234)14
SN1 350 382! 355! 646 330 355 728 668 | P0506
PRF 324! 328 327 373 350 367 92
HL 628! 734 735! 736
MAN 88! 87! 87 88 87 87
PO4 356 357 355 103 187 384 355 385 355 82 189 65 355 810 752
PID 349! 750 559 751 352 752 822 | C0403 R0405
CTP 687? 236 212 380 C001 648 649 782 639
ACK 668! 380 355 374 373 326 (235 234)10 559 822 1271 | P0203
QTY 673! 380 C001 61
TXI 963! 782 954 955 956 441 662 828 325 350 | R020306 P0405 C0803
TDS 610! 610 610 610
CAD 91 206 207 140 387 368 128 127 284 | R0405 C0708
ISS 382 355 81 355 183 355 380 81 | P0102 P0304 P0506
AMT 522! 782! 478
CTT 354! 347 81 355 183 355 352
AK1 479! 28! 480
AK2 143! 329! 1705
AK3 721! 719! 447 720
AK4 C030! 725 723! 724
AK5 717! 718 718 718 718 718
AK9 715! 97! 123! 2! 716 716 716 716 716
IK3 721! 719! 447 620
IK4 C030! 725 621! 724
IK5 717! 618 618 618 618 618
"""
_LOOSE = """
CSH CTB DIS INC IT3 IT8 MEA PAL PKG PO3 PWK SCH SDQ SI SLN TAX TC2 TD4 TSD YNQ CTX LDT PAM CLD ETD L7 BAL CRC
SR FA1 FA2
"""
LOOSE = frozenset(_LOOSE.split())  # known, and their elements not looked at
CODES = {
    "715": frozenset("AEMPRWX"),
    "717": frozenset("AEMRWX"),
    "736": frozenset("01"),
    "248": frozenset("ACNPQRS"),
    "735": frozenset(("S", "O", "T", "P", "I")),
}
_REPEATED = re.compile(r"\(([^)]*)\)(\d+)")


class Element(NamedTuple):
    """A data element; `kind` is AN, ID, R, N0, N2, DT, TM, C (composite) or empty (not looked at)."""

    number: str
    kind: str
    shortest: int
    longest: int
    must: bool


class Shape(NamedTuple):
    """The elements of a segment and the conditions between them."""

    elements: tuple[Element, ...]
    conditions: tuple[tuple[str, tuple[int, ...]], ...]


@cache
def _element(number: str) -> tuple[str, int, int]:
    found = next((one.split(":") for one in _ELEMENTS.split() if one.startswith(f"{number}:")), None)
    return (found[1], int(found[2]), int(found[3])) if found else ("", 0, 0)


def _shape(line: str) -> Shape:
    told, _, held = line.partition("|")
    plain = _REPEATED.sub(lambda it: " ".join([it.group(1)] * int(it.group(2))), told)
    elements = []
    for word in plain.split():
        number = word.rstrip("!?")
        elements.append(Element(number, *_element(number), "!" in word))
    pairs = [at for at, one in enumerate(elements, 1) if one.number == "235" and not one.must]
    rules: list[tuple[str, tuple[int, ...]]] = [("P", (at, at + 1)) for at in pairs]
    rules += [(one[0], tuple(int(one[at : at + 2]) for at in range(1, len(one), 2))) for one in held.split()]
    return Shape(tuple(elements), tuple(rules))


SHAPES = {
    line.split()[0]: _shape(line.split(" ", 1)[1]) for line in _SEGMENTS.strip().splitlines() if line.strip()
}
KNOWN = frozenset(SHAPES) | LOOSE
