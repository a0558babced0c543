#!/bin/sh
# Build the hub from SOURCE into a virtual environment at PREFIX, from hash-pinned packages only.
# The image's build stage runs this; so does a test, without a container engine.
#   build-steps.sh SOURCE PREFIX      PYTHON=python3.12 chooses the interpreter
set -eu
source=$(cd "$1" && pwd)
prefix=$2
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# The image has neither pip nor what builds: they live in a second environment that is thrown away.
"${PYTHON:-python3}" -m venv --clear --without-pip "$prefix"
prefix=$(cd "$prefix" && pwd)
"${PYTHON:-python3}" -m venv "$scratch/build"
pip="$scratch/build/bin/python -m pip --disable-pip-version-check --no-input"

$pip install --quiet --require-hashes -r "$source/requirements-build.txt"
"$source/docker/packages.sh" "$scratch/build" "$prefix" "$source/requirements.txt"
$pip wheel --quiet --no-deps --no-build-isolation --no-index -w "$scratch" "$source"
$pip --python "$prefix/bin/python" install --quiet --no-deps --no-index "$scratch"/o2c_hub-*.whl
$pip --python "$prefix/bin/python" check
