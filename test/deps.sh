#!/usr/bin/env bash
# Installs what the tests need beside Go, from Debian's packages and npm's registry, where it is missing. Says what it
# does; without the right to install, it prints the command to type and fails, so that no test is skipped for want of a
# program.
set -euo pipefail

# What must be there (a command, or a file by its path, where * stands for a version), and the package that brings it.
needs=(
  "nginx               nginx"      # the proxy of the README and of deploy/nginx
  "caddy               caddy"      # that of deploy/caddy
  "haproxy             haproxy"    # that of deploy/haproxy
  "/usr/lib/*/lua/5.3/socket/core.so lua-socket" # by which Apache of deploy/apache2 asks Jeton
  "/usr/bin/chromium   chromium"   # the browser of those who use the console
  "curl                curl"       # the README's calls
  "node                nodejs"     # other people's OAuth clients: in JavaScript …
  "npm                 npm"
  "/usr/lib/python3/dist-packages/authlib  python3-authlib" # … in Python …
  "/usr/lib/python3/dist-packages/requests python3-requests"
  "/usr/lib/python3/dist-packages/jwt      python3-jwt" # … those of platforms that sign assertions …
  "/usr/lib/python3/dist-packages/cryptography python3-cryptography" # … those that seal tokens …
  "openssl             openssl"    # … by its command alone, too
  "apache2             apache2"    # … and in Apache httpd, which is also the proxy of deploy/apache2
  "/usr/lib/apache2/modules/mod_oauth2.so  libapache2-mod-oauth2"
  "/usr/lib/postgresql/*/bin/initdb postgresql" # the database of several nodes: the server, and not its client alone
  "oathtool            oathtool"   # an authenticator app's codes
  "zbarimg             zbar-tools" # reads the QR code by which an app is set up
  "age                 age"        # reads a backup as anybody can
  "systemd-analyze     systemd"    # what reads deploy/systemd; nothing is started by it
  "git                 git"        # a clone for the README's test
  "unshare             util-linux" # a network namespace for tests on fixed ports
  "ip                  iproute2"   # loopback inside it
  "gnome-keyring-daemon gnome-keyring" # the keyring of jeton client, in a session of its own
  "dbus-run-session    dbus-daemon" # that session
  "dbus-send           dbus-bin"   # and a look into the keyring
  "gcc                 gcc"        # the race detector
  "/usr/include/stdio.h libc6-dev"
)

# An ordinary user's PATH on Debian lacks the folders where nginx and ip live.
PATH=$PATH:/usr/sbin:/sbin

present() {
  case $1 in
    /*) compgen -G "$1" >/dev/null ;;
    *) command -v "$1" >/dev/null ;;
  esac
}

# The packages of npm that the tests' programs import, at the versions of package-lock.json. None runs a script.
modules() {
  local at
  at=$(dirname "${BASH_SOURCE[0]}")/e2e/clients/node
  if [[ $at/node_modules/.package-lock.json -nt $at/package-lock.json ]]; then
    return
  fi
  echo "test/deps.sh: installing into test/e2e/clients/node/node_modules: npm ci"
  (cd "$at" && npm ci --include=dev)
}

missing=()
for need in "${needs[@]}"; do
  read -r what package <<<"$need"
  present "$what" || missing+=("$package")
done
if [[ ${#missing[@]} -eq 0 ]]; then
  modules
  echo "test/deps.sh: all programs that the tests need are here"
  exit 0
fi

install="apt-get install -y --no-install-recommends ${missing[*]}"
echo "test/deps.sh: missing for the tests: ${missing[*]}"
if ! command -v apt-get >/dev/null; then
  echo "test/deps.sh: this isn't a Debian system: install them by its own means" >&2
  exit 1
fi
as_root=()
if [[ $EUID -ne 0 ]]; then
  if ! command -v sudo >/dev/null || ! sudo true; then
    echo "test/deps.sh: to install them, type as root:  apt-get update && $install" >&2
    exit 1
  fi
  as_root=(sudo)
fi
echo "test/deps.sh: installing: apt-get update && $install"
export DEBIAN_FRONTEND=noninteractive
"${as_root[@]}" apt-get update -q
# shellcheck disable=SC2086 # words, not one word
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive $install

# Debian starts a server as it installs it. The tests start their own; nobody asked for one on port 80.
for server in nginx caddy haproxy apache2 postgresql; do
  [[ " ${missing[*]} " == *" $server "* ]] || continue
  if [[ -d /run/systemd/system ]]; then
    "${as_root[@]}" systemctl disable --now "$server.service"
  elif [[ -x /etc/init.d/$server ]]; then # Debian has none for caddy, and so doesn't start it here
    "${as_root[@]}" service "$server" stop >/dev/null || true
  fi
done
while read -r package pid; do
  if [[ " ${missing[*]} " == *" $package "* && -s $pid ]] && kill -0 "$(cat "$pid")" 2>/dev/null; then
    echo "test/deps.sh: the $package that came with the package still runs and couldn't be stopped" >&2
    exit 1
  fi
done <<<"nginx /run/nginx.pid
haproxy /run/haproxy.pid
apache2 /run/apache2/apache2.pid"

for need in "${needs[@]}"; do
  read -r what package <<<"$need"
  present "$what" || { echo "test/deps.sh: $what is still missing after installing $package" >&2; exit 1; }
done
modules
echo "test/deps.sh: installed: ${missing[*]}"
