"""A simulated Salesforce org: OAuth, REST, SOQL, composite calls, metadata deploys and push, on a real port.

Written from the public REST, Metadata and object reference guides and the published WSDLs.
"""
