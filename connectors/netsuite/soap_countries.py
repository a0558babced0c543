"""Countries as SuiteTalk names them, for addresses: its own words instead of ISO codes."""

from __future__ import annotations

from collections.abc import Mapping

# ISO 3166-1 code and the value of SuiteTalk's enumeration Country (platform.commonTypes.xsd, 2023.2) without
# its underscore; IC, EA and XK are codes NetSuite has beyond the standard.
_WORDS = (
    "AF:afghanistan AX:alandIslands AL:albania DZ:algeria AS:americanSamoa AD:andorra AO:angola "
    "AI:anguilla AQ:antarctica AG:antiguaAndBarbuda AR:argentina AM:armenia AW:aruba AU:australia "
    "AT:austria AZ:azerbaijan BS:bahamas BH:bahrain BD:bangladesh BB:barbados BY:belarus BE:belgium "
    "BZ:belize BJ:benin BM:bermuda BT:bhutan BO:boliviaPlurinationalStateOf "
    "BQ:bonaireSintEustatiusAndSaba BA:bosniaAndHerzegovina BW:botswana BV:bouvetIsland BR:brazil "
    "IO:britishIndianOceanTerritory BN:bruneiDarussalam BG:bulgaria BF:burkinaFaso BI:burundi "
    "CV:caboVerde KH:cambodia CM:cameroon CA:canada IC:canaryIslands KY:caymanIslands "
    "CF:centralAfricanRepublic EA:ceutaAndMelilla TD:chad CL:chile CN:china CX:christmasIsland "
    "CC:cocosKeelingIslands CO:colombia KM:comoros CG:congo CD:congoTheDemocraticRepublicOfThe "
    "CK:cookIslands CR:costaRica CI:coteDIvoire HR:croatia CU:cuba CW:curacao CY:cyprus CZ:czechia "
    "DK:denmark DJ:djibouti DM:dominica DO:dominicanRepublic EC:ecuador EG:egypt SV:elSalvador "
    "GQ:equatorialGuinea ER:eritrea EE:estonia SZ:eswatini ET:ethiopia FK:falklandIslandsMalvinas "
    "FO:faroeIslands FJ:fiji FI:finland FR:france GF:frenchGuiana PF:frenchPolynesia "
    "TF:frenchSouthernTerritories GA:gabon GM:gambia GE:georgia DE:germany GH:ghana GI:gibraltar "
    "GR:greece GL:greenland GD:grenada GP:guadeloupe GU:guam GT:guatemala GG:guernsey GN:guinea "
    "GW:guineaBissau GY:guyana HT:haiti HM:heardIslandAndMcdonaldIslands VA:holySee HN:honduras "
    "HK:hongKong HU:hungary IS:iceland IN:india ID:indonesia IR:iranIslamicRepublicOf IQ:iraq IE:ireland "
    "IM:isleOfMan IL:israel IT:italy JM:jamaica JP:japan JE:jersey JO:jordan KZ:kazakhstan KE:kenya "
    "KI:kiribati KP:koreaTheDemocraticPeoplesRepublicOf KR:koreaTheRepublicOf XK:kosovo KW:kuwait "
    "KG:kyrgyzstan LA:laoPeoplesDemocraticRepublic LV:latvia LB:lebanon LS:lesotho LR:liberia LY:libya "
    "LI:liechtenstein LT:lithuania LU:luxembourg MO:macao MG:madagascar MW:malawi MY:malaysia MV:maldives "
    "ML:mali MT:malta MH:marshallIslands MQ:martinique MR:mauritania MU:mauritius YT:mayotte MX:mexico "
    "FM:micronesiaFederatedStatesOf MD:moldovaTheRepublicOf MC:monaco MN:mongolia ME:montenegro "
    "MS:montserrat MA:morocco MZ:mozambique MM:myanmar NA:namibia NR:nauru NP:nepal NL:netherlands "
    "NC:newCaledonia NZ:newZealand NI:nicaragua NE:niger NG:nigeria NU:niue NF:norfolkIsland "
    "MP:northernMarianaIslands MK:northMacedonia NO:norway OM:oman PK:pakistan PW:palau "
    "PS:palestineStateOf PA:panama PG:papuaNewGuinea PY:paraguay PE:peru PH:philippines PN:pitcairn "
    "PL:poland PT:portugal PR:puertoRico QA:qatar RE:reunion RO:romania RU:russianFederation RW:rwanda "
    "BL:saintBarthelemy SH:saintHelenaAscensionAndTristanDaCunha KN:saintKittsAndNevis LC:saintLucia "
    "MF:saintMartinFrenchPart PM:saintPierreAndMiquelon VC:saintVincentAndTheGrenadines WS:samoa "
    "SM:sanMarino ST:saoTomeAndPrincipe SA:saudiArabia SN:senegal RS:serbia SC:seychelles SL:sierraLeone "
    "SG:singapore SX:sintMaartenDutchPart SK:slovakia SI:slovenia SB:solomonIslands SO:somalia "
    "ZA:southAfrica GS:southGeorgiaAndTheSouthSandwichIslands SS:southSudan ES:spain LK:sriLanka SD:sudan "
    "SR:suriname SJ:svalbardAndJanMayen SE:sweden CH:switzerland SY:syrianArabRepublic TW:taiwan "
    "TJ:tajikistan TZ:tanzaniaTheUnitedRepublicOf TH:thailand TL:timorLeste TG:togo TK:tokelau TO:tonga "
    "TT:trinidadAndTobago TN:tunisia TR:turkiye TM:turkmenistan TC:turksAndCaicosIslands TV:tuvalu "
    "UG:uganda UA:ukraine AE:unitedArabEmirates GB:unitedKingdom US:unitedStates "
    "UM:unitedStatesMinorOutlyingIslands UY:uruguay UZ:uzbekistan VU:vanuatu "
    "VE:venezuelaBolivarianRepublicOf VN:vietNam VG:virginIslandsBritish VI:virginIslandsUS "
    "WF:wallisAndFutunaIslands EH:westernSahara YE:yemen ZM:zambia ZW:zimbabwe "
)
NAMES: Mapping[str, str] = {code: f"_{name}" for code, _, name in (w.partition(":") for w in _WORDS.split())}
CODES: Mapping[str, str] = {name: code for code, name in NAMES.items()}
