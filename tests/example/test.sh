#!/bin/sh
# Opens a page in a browser without a screen, lets it call peer-cli, and ends with peer-cli's exit code: 0 when its sound and its
# message came, 8 when something was missing, 4 when nobody called.
#
#   test.sh [PAGE]        the address of the page under test; ?server=… and &call are added
#
# Wants signaling, peer-cli and Chromium (or BROWSER=google-chrome) on the path; where one is missing it ends with 127.
set -eu
page=${1:-file://$(cd "$(dirname "$0")" && pwd)/page.html}
browser=${BROWSER:-chromium}
for one in signaling peer-cli "$browser"; do
  command -v "$one" >/dev/null || { echo "no $one on the path" >&2; exit 127; }
done
case $page in *\?*) more='&' ;; *) more='?' ;; esac
scratch=$(mktemp -d)

# Whatever was started ends with this script.
started=
finish() {
  # shellcheck disable=SC2086
  kill $started 2>/dev/null || true
  wait
  rm -rf "$scratch"
}
trap finish EXIT
trap 'exit 130' INT TERM

# Any free port; the server says which.
signaling --listen 127.0.0.1:0 --json >"$scratch/signaling" &
started=$!
until server=$(sed -n 's/.*"listening","addr":"\([^"]*\)".*/ws:\/\/\1\/socket/p' "$scratch/signaling") && [ -n "$server" ]; do
  kill -0 "$started"
  sleep 0.1
done

# The peer: sends back what it hears, and knows what it wants to hear.
peer-cli answer --server "$server" --stun off --echo --timeout 30s \
  --expect audio --expect 'message=^hello from the page$' &
peer=$!
started="$started $peer"

# The page: a microphone that beeps, no questions, no sandbox (which root and containers cannot have), a new profile.
"$browser" --headless --no-sandbox --disable-gpu --no-first-run --disable-background-networking --disable-component-update \
  --use-fake-device-for-media-stream --use-fake-ui-for-media-stream --autoplay-policy=no-user-gesture-required \
  --allow-loopback-in-peer-connection --user-data-dir="$scratch/profile" --remote-debugging-port=0 --enable-logging=stderr \
  "$page${more}server=$server&call" >"$scratch/browser" 2>&1 &
started="$started $!"

code=0
wait "$peer" || code=$?
[ "$code" = 0 ] || { echo "what the page said:" && grep CONSOLE "$scratch/browser"; } >&2 || true
exit "$code"
