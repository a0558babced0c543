#!/bin/sh
# Is this container well? The web part answers GET /healthz, the worker reaches its doorbell.
set -eu
case ${1:-serve} in
  serve)
    exec python -c 'import sys, urllib.request as r; sys.exit(r.urlopen(sys.argv[1], timeout=4).status != 200)' \
      "http://127.0.0.1:${O2C_PORT:-8080}/healthz"
    ;;
  work)
    exec python -c 'import os, redis; redis.Redis.from_url(os.environ["O2C_REDIS_URL"], socket_timeout=4).ping()'
    ;;
  *)
    echo "usage: health.sh serve | work" >&2
    exit 64
    ;;
esac
