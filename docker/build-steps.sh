#!/bin/sh
# Build the hub from SOURCE into a virtual environment at PREFIX, from hash-pinned packages only.
# The image's build stage runs this; so does a test, without a container engine.
#   build-steps.sh SOURCE PREFIX      PYTHON=python3.12 chooses the interpreter
set -eu
source=$(cd "$1" && pwd)
prefix=$2
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
quiet="--quiet --disable-pip-version-check --no-input"

"${PYTHON:-python3}" -m venv --clear "$prefix"
prefix=$(cd "$prefix" && pwd)
# shellcheck disable=SC2086  # the options are words
"$prefix/bin/pip" install $quiet --require-hashes -r "$source/requirements.txt"

# The build backend stays out of the image: it lives in a second environment that is thrown away.
"${PYTHON:-python3}" -m venv "$scratch/build"
"$scratch/build/bin/pip" install $quiet --require-hashes -r "$source/requirements-build.txt"
"$scratch/build/bin/pip" wheel $quiet --no-deps --no-build-isolation --no-index -w "$scratch" "$source"
"$prefix/bin/pip" install $quiet --no-deps --no-index "$scratch"/o2c_hub-*.whl
"$prefix/bin/python" -m pip check --disable-pip-version-check
