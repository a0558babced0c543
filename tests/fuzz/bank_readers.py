"""Coverage-guided fuzzing of every bank reader: `python -m tests.fuzz.bank_readers SECONDS`.

A reader may answer with statements or with its own error; anything else, a hang or a flood of memory ends the
run. Needs atheris.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["connectors.bank"]):
    from connectors.bank import (
        bai2,
        balance,
        camt_stream,
        csv_dialect,
        formats,
        lockbox,
        mt940,
        nacha,
        ofx,
        statement,
    )
    from hub.sdk import Invalid, Rejected

READERS = (bai2, camt_stream, csv_dialect, lockbox, mt940, nacha, ofx)
SEEDS = (
    b"<Document><BkToCstmrStmt><Stmt><Id>1</Id><Bal><Tp><CdOrPrtry><Cd>OPBD</Cd></CdOrPrtry></Tp>"
    b"<Amt Ccy='EUR'>1</Amt></Bal><Ntry><Amt Ccy='EUR'>2.5</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts>BOOK</Sts>"
    b"<NtryDtls><TxDtls><Amt Ccy='EUR'>2.5</Amt></TxDtls></NtryDtls></Ntry></Stmt></BkToCstmrStmt>"
    b"</Document>",
    b":20:R\n:25:A\n:28C:1/1\n:60F:C260301EUR1,00\n:61:2603020302RC1,00NTRFX//Y\n:86:166?00G?20EREF+1?32N\n"
    b":62F:C260302EUR0,00\n-",
    b"01,B,F,260302,0815,7,80,,2/\n02,F,B,1,260301,,USD,2/\n03,1,USD,010,1,,/\n16,142,3,V,260302,,T,C,X/\n"
    b"88,Y\n49,4,4/\n98,4,1,6/\n99,4,1,8/\n",
    b"101 231380104 1210428822603020800A094101OUR BANK               THEIR BANK                     \n",
    b"100OURCOMPANY00999999912603021800\n50010000022222260302OURCOMPANY0099999991\n9000003\n",
    b"OFXHEADER:100\n<OFX><STMTRS><CURDEF>USD<BANKACCTFROM><ACCTID>1</BANKACCTFROM><STMTTRN><TRNAMT>1<DTPOSTED>"
    b"20260302</STMTTRN></STMTRS></OFX>",
    b"Date,Description,Amount,Currency\n2026-03-01,a,1.00,EUR\n",
)


def once(body: bytes) -> None:
    """One file through whichever reader takes it, or through the one its length picks."""
    try:
        reader = formats.reader_of(body[: formats.HEAD])[1]
    except Invalid:
        reader = READERS[len(body) % len(READERS)]
    try:
        for one in reader.read(body):
            balance.doubts(one, balance.totals(one))
            for entry in one.entries:
                list(entry.transactions)
    except (Invalid, Rejected) as error:
        statement.problem_of(error)


def main(seconds: int) -> None:
    """Runs until the time is over; libFuzzer ends the process with an error at the first finding."""
    with tempfile.TemporaryDirectory() as folder:
        for number, seed in enumerate(SEEDS):
            (Path(folder) / str(number)).write_bytes(seed)
        flags = [f"-max_total_time={seconds}", "-timeout=10", "-rss_limit_mb=1500", "-max_len=8192"]
        atheris.Setup([sys.argv[0], *flags, f"-artifact_prefix={folder}/", folder], once)
        atheris.Fuzz()


if __name__ == "__main__":
    main(int(sys.argv[1]))
