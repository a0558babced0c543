"""UN/ECE Recommendation 20: the unit codes of trade, and the English words that people and systems write."""

from __future__ import annotations

# Code, then the words for it. X codes are packages: Recommendation 21 with X in front, as in EN 16931.
_UNITS = """
C62 one, each, piece, pieces, pcs, pc, unit, units, item, items, ea., licence, license, seat; EA; H87; E48
service unit; E51 job; IE person, persons; NPR pairs; PR pair; DZN dozen; SET set, sets; KT kit, kits; GRO
gross; P1 percent, %; LS lump sum, flat rate; NAR; MIL thousand; CEN hundred;
SEC second, seconds; MIN minute, minutes; HUR hour, hours, hr, hrs; DAY day, days; WEE week, weeks;
MON month, months; QAN quarter, quarters; ANN year, years, yr; E49 working day, man day, workday;
MGM milligram, milligrams, mg; GRM gram, grams, g; KGM kilogram, kilograms, kilo, kg; TNE tonne, tonnes,
metric ton; LBR pound, pounds, lb, lbs; ONZ ounce, ounces, oz; STN short ton;
MMT millimetre, millimeter, mm; CMT centimetre, centimeter, cm; MTR metre, metres, meter, meters; KMT
kilometre, kilometer, km; INH inch, inches; FOT foot, feet, ft; YRD yard, yards, yd; SMI mile, miles;
MTK square metre, square meter, sqm, m2, m²; FTK square foot, square feet, sqft, sq ft; HAR hectare,
hectares; MTQ cubic metre, cubic meter, m3, m³; FTQ cubic foot, cubic feet; CMQ cubic centimetre;
MLT millilitre, milliliter, ml; CLT centilitre, cl; LTR litre, litres, liter, liters; HLT hectolitre;
GLL us gallon, us gallons; GLI; QTL; PTL; OZA; OZI;
KWH kilowatt hour, kwh; MWH megawatt hour; WHR watt hour; KWT kilowatt, kw; AMH ampere hour; BTU;
AD byte, bytes; 2P kilobyte; 4L megabyte, megabytes; E34 gigabyte, gigabytes; E35 terabyte, terabytes;
E36 petabyte; A99 bit; C37 kilobit; D36 megabit; B68 gigabit;
XBX box, boxes; XCT carton, cartons; XCS case, cases; XPK package, pack, packs; XPX pallet, pallets; XBG bag,
bags; XBO bottle, bottles; XRO roll, rolls; XCA can, cans; XDR drum, drums; XCR crate, crates; XTU tube,
tubes; XBE bundle, bundles; XST sheet, sheets; XSA sack, sacks; XEN envelope, envelopes
"""


def _entries() -> dict[str, str]:
    found: dict[str, str] = {}
    for entry in _UNITS.split(";"):
        code, _, words = " ".join(entry.split()).partition(" ")
        found[code.casefold()] = code
        found |= {word.strip().casefold(): code for word in words.split(",") if word}
    return found


_BY_WORD = _entries()


def unit_code(text: str) -> str | None:
    """The UN/ECE Recommendation 20 code for a code in any case or an English word; None for neither."""
    return _BY_WORD.get(" ".join(text.split()).casefold())
