#!/bin/sh
# Installs the servers the tests start, where that may be done without asking; else says how.
set -eu

shell=chromium-headless-shell

# Whether a browser is there: the one without a window, which opens a page in half the time, or the
# whole one where the system has no other.
has_browser() {
    command -v $shell && return
    apt-cache show $shell 2>/dev/null | grep -q . && return 1
    command -v chromium || command -v chromium-browser
}

missing=""
command -v redis-server >/dev/null || missing="$missing redis-server"
command -v nginx >/dev/null || [ -x /usr/sbin/nginx ] || missing="$missing nginx"
has_browser >/dev/null || missing="$missing $shell"
command -v openssl >/dev/null || missing="$missing openssl"
command -v curl >/dev/null || missing="$missing curl"
command -v promtool >/dev/null || missing="$missing prometheus"
[ -n "$missing" ] || exit 0

policy=/usr/sbin/policy-rc.d

# Installs what is missing; the argument is sudo, or nothing for root.
install() {
    echo "Installing$missing"
    # The servers are started by the tests on ports of their own, not as services: RUNLEVEL keeps
    # init scripts from starting them, the policy systemd's units. A policy that is there stays.
    if [ ! -e $policy ]; then
        trap "$1 rm -f $policy" EXIT
        trap 'exit 1' INT TERM
        printf '#!/bin/sh\nexit 101\n' | $1 tee $policy >/dev/null
        $1 chmod 755 $policy
    fi
    $1 apt-get update -qq
    apt-cache show $shell >/dev/null 2>&1 || missing=$(echo "$missing" | sed "s/$shell/chromium/")
    $1 env RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -qq --no-install-recommends $missing >/dev/null
    exit 0
}

if ! command -v apt-get >/dev/null; then
    echo "Please install with your package manager:$missing" >&2
elif [ "$(id -u)" = 0 ]; then
    install ""
elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
    install sudo
else
    echo "Please run: sudo apt-get install$missing" >&2
fi
if [ "${CI:-}" = true ]; then exit 1; fi
echo "Tests that need what is missing are skipped, each saying so." >&2
