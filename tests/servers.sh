#!/bin/sh
# Installs the servers the tests start, where that may be done without asking; else says how.
set -eu

missing=""
command -v redis-server >/dev/null || missing="$missing redis-server"
command -v chromium >/dev/null || command -v chromium-browser >/dev/null || missing="$missing chromium"
[ -n "$missing" ] || exit 0

if ! command -v apt-get >/dev/null; then
    echo "Please install with your package manager:$missing" >&2
elif [ "$(id -u)" = 0 ]; then
    echo "Installing$missing"
    apt-get update -qq
    # The servers are started by the tests on ports of their own, not as services.
    RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
    exit 0
elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
    echo "Installing$missing"
    sudo apt-get update -qq
    sudo RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
    exit 0
else
    echo "Please run: sudo apt-get install$missing" >&2
fi
if [ "${CI:-}" = true ]; then exit 1; fi
echo "Tests that need what is missing are skipped, each saying so." >&2
