#!/usr/bin/env bash
# Installs the emulator of Telegram's Bot API that the tests talk to, or says what to install.
set -euo pipefail
cd "$(dirname "$0")/telegram"
[ node_modules -nt package-lock.json ] && exit
if ! command -v npm >/dev/null 2>&1; then
    echo "The Telegram tests need node and npm; install them with your package manager (Debian: apt-get install npm)." >&2
    exit 1
fi
npm ci --no-audit --no-fund --loglevel=error
touch node_modules
