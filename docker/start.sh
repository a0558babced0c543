#!/bin/sh
# The image's entry point: one word says which part of the hub this container is.
set -eu
usage="usage: start.sh serve | work | migrate
  serve    console, admin API and webhooks on port ${O2C_PORT:-8080}
  work     process and deliver (needs O2C_REDIS_URL)
  migrate  bring the database up to date, then end"

part=${1:-serve}
[ $# -eq 0 ] || shift
case $part in
  serve) exec o2c serve "$@" ;;
  work)
    if [ -z "${O2C_REDIS_URL:-}" ]; then
      echo "start.sh: work needs O2C_REDIS_URL; without Redis, serve does the work itself" >&2
      exit 64
    fi
    exec o2c work "$@"
    ;;
  migrate) exec o2c migrate "$@" ;;
  *)
    echo "start.sh: unknown part: $part" >&2
    echo "$usage" >&2
    exit 64
    ;;
esac
