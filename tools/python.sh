#!/usr/bin/env bash
# Prints the path of a Python that the project runs on: one that uv finds, one
# that pyenv keeps aside, or one that uv installs.
# usage: tools/python.sh <uv> <version>
set -euo pipefail
uv=$1 version=$2

if found=$("$uv" python find --no-python-downloads "$version" 2>/dev/null); then
    echo "$found"
    exit
fi
for python in "${PYENV_ROOT:-$HOME/.pyenv}"/versions/"$version".*/bin/python; do
    if [ -x "$python" ]; then
        echo "$python"
        exit
    fi
done
if "$uv" python install --no-progress "$version" >&2; then
    "$uv" python find "$version"
    exit
fi
echo "Python $version is needed and could not be installed. Install it (pyenv install $version, or your system's packages), then try again." >&2
exit 1
