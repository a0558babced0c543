#!/bin/sh
# Install hash-pinned packages into the environment PREFIX: with the uv of environment TOOLS, else with pip.
# uv takes a third of the time. It does not read pip's settings, so the index is handed on, and where it
# fails for whatever reason pip is asked. Like pip it is to trust the certificates of the system, too.
#   packages.sh TOOLS PREFIX REQUIREMENTS
set -eu
tools=$1 prefix=$2 requirements=$3
pip="$tools/bin/python -m pip --disable-pip-version-check --no-input"
index=${UV_DEFAULT_INDEX:-${PIP_INDEX_URL:-$($pip config get global.index-url 2>/dev/null || true)}}
export UV_SYSTEM_CERTS="${UV_SYSTEM_CERTS:-true}"
if [ -x "$tools/bin/uv" ] && "$tools/bin/uv" pip install --quiet --require-hashes --compile-bytecode \
  --python "$prefix/bin/python" ${index:+--default-index "$index"} -r "$requirements"; then
  exit 0
fi
[ ! -x "$tools/bin/uv" ] || echo "uv could not install them, for the reason above; pip does, in a minute or two" >&2
exec $pip --python "$prefix/bin/python" install --quiet --require-hashes -r "$requirements"
