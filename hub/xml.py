"""Reading XML from outside: no entities, no network, no document types, bounded size."""

from __future__ import annotations

from lxml import etree

from hub.errors import Invalid

BYTES_MAX = 50 * 1024 * 1024


def parse_xml(body: bytes, *, bytes_max: int = BYTES_MAX) -> etree._Element:
    """The root element. Raises Invalid for anything that is not plain, well-formed XML."""
    if len(body) > bytes_max:
        raise Invalid(f"the XML is over {bytes_max} bytes; split the file", field="body")
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        root = etree.fromstring(body, parser)
    except etree.XMLSyntaxError as error:
        raise Invalid(f"not well-formed XML: {error.msg}", field="body") from None
    # lxml accepts a document type even when it resolves nothing: refuse it outright
    if root.getroottree().docinfo.doctype:
        raise Invalid("the XML carries a DOCTYPE, which is not accepted", field="body")
    return root
