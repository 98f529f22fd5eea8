#!/usr/bin/env bash
# The real window on a virtual display, driven by its accessible names; pictures of every panel go to target/ci/.
# Needs Xvfb, openbox, xdotool, import (ImageMagick), at-spi2-core, dbus-run-session, gdbus and python3 with the Atspi typelib.
set -euo pipefail
source "$(dirname "$0")/../support/stage.sh"

export PICTURES="$PWD/target/ci"

visible_window() {
    WINDOW="$(xdotool search --onlyvisible --name '^Tierline' 2>/dev/null | head -1)"
    [[ -n "$WINDOW" ]]
}

# The window manager misses a key now and then (about one in thirty, never told to the program), so a person would press it again.
pressed_away() {
    xdotool key alt+F4
    ! visible_window
}

on_the_bus() {
    WORK="$HOME/work"
    mkdir -p "$WORK" "$PICTURES"
    local tierline="$TIERLINE_BIN"

    # With no display it says so in one line, and names what works.
    local code=0
    timeout 20 "$tierline" --vault memory --data-dir "$WORK/none" --listen 127.0.0.1:0 >"$WORK/none.log" 2>&1 || code=$?
    ((code == 1)) || fail "without a display the exit code is $code"
    (($(wc -l <"$WORK/none.log") == 1)) && grep -q 'tierline serve' "$WORK/none.log" || fail "without a display it does not say in one line what works"

    start "$WORK/xvfb.log" Xvfb -displayfd 6 -screen 0 1400x900x24 -nolisten tcp 6>"$WORK/display"
    await 20 "the virtual display" grep -q . "$WORK/display"
    DISPLAY=":$(tr -d '[:space:]' <"$WORK/display")"
    export DISPLAY
    start "$WORK/openbox.log" openbox
    await 20 "the window manager" xdotool get_num_desktops
    start "$WORK/a11y.log" /usr/libexec/at-spi-bus-launcher --launch-immediately
    await 20 "the accessibility bus" gdbus wait --session --timeout 1 org.a11y.Bus
    for property in IsEnabled ScreenReaderEnabled; do
        gdbus call --session --dest org.a11y.Bus --object-path /org/a11y/bus \
            --method org.freedesktop.DBus.Properties.Set org.a11y.Status "$property" '<true>' >/dev/null
    done

    # The demo: every panel, an export, and the end by the window's own close button.
    start "$WORK/demo.log" "$tierline" demo --data-dir "$WORK/demo"
    local app="$STARTED"
    await 30 "the demo's window" visible_window
    export WINDOW
    /usr/bin/python3 tests/window/drive.py demo "$WORK/requests.csv" || fail "the window did not do what was asked"
    for panel in overview traffic history accounts models batch planner settings; do
        [[ -s "$PICTURES/demo_$panel.png" ]] || fail "there is no picture of $panel"
    done
    xdotool windowactivate --sync "$WINDOW"
    await 15 "the demo's window to be closed" pressed_away
    ended "$app" 15 "the demo, its window closed,"

    # The first run, and the end by a signal.
    start "$WORK/first.log" env ANTHROPIC_API_KEY="sk-ant-$(head -c 16 /dev/urandom | od -An -tx1 | tr -d ' \n')" \
        "$tierline" --vault memory --data-dir "$WORK/first" --listen 127.0.0.1:0
    app="$STARTED"
    await 30 "the first window" visible_window
    /usr/bin/python3 tests/window/drive.py first_run || fail "the first run does not offer its three ways in"
    kill -TERM "$app"
    await 15 "the end of the window that was told to end" gone "$app"
    echo "every panel was opened by name; pictures are in target/ci/"
}

if [[ "${1:-}" == on-the-bus ]]; then
    on_the_bus
else
    HOME="$(mktemp -d)"
    export HOME XDG_DATA_HOME="$HOME/.local/share" XDG_CONFIG_HOME="$HOME/.config" XDG_CACHE_HOME="$HOME/.cache"
    trap 'finish; rm -rf "$HOME"' EXIT
    dbus-run-session -- bash "$0" on-the-bus
fi
