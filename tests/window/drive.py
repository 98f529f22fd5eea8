"""Does what a person with a screen reader does: finds things by role and name, presses them, reads what is there.

Usage: drive.py demo EXPORT_FILE | drive.py first_run
"""

import csv
import json
import os
import subprocess
import sys
import time

import gi

gi.require_version("Atspi", "2.0")
from gi.repository import Atspi, GLib  # noqa: E402

PATIENCE_SECS = 20
BUTTONS = {"push button", "button", "toggle button", "radio button", "check box"}


def nodes(node):
    """The node and everything below it. What vanishes while we look is left out."""
    try:
        yield node
        children = [node.get_child_at_index(i) for i in range(node.get_child_count())]
    except GLib.Error:
        return
    for child in children:
        if child is not None:
            yield from nodes(child)


def application():
    desktop = Atspi.get_desktop(0)
    for i in range(desktop.get_child_count()):
        app = desktop.get_child_at_index(i)
        if app is not None and "tierline" in (app.get_name() or "").lower():
            return app
    return None


def search(test):
    app = application()
    for node in nodes(app) if app is not None else ():
        try:
            if test(node.get_role_name(), node.get_name() or ""):
                return node
        except GLib.Error:
            continue
    return None


def wait_for(what, test):
    """The first node that passes; fails with everything that is there if none comes."""
    deadline = time.monotonic() + PATIENCE_SECS
    while True:
        found = search(test)
        if found is not None:
            return found
        if time.monotonic() > deadline:
            seen = [] if application() is None else sorted({f"{n.get_role_name()} {n.get_name()!r}" for n in nodes(application()) if n.get_name()})
            sys.exit(f"waited in vain for {what}; there is:\n  " + "\n  ".join(seen))
        time.sleep(0.1)


def shown(part):
    return wait_for(f"the words {part!r}", lambda _, name: part in name)


def press(name):
    button = wait_for(f"the button {name!r}", lambda role, found: found == name and role in BUTTONS)
    Atspi.Action.do_action(button, 0)


def write(field, text):
    entry = wait_for(f"the field {field!r}", lambda role, name: name == field and role in {"entry", "text"})
    Atspi.Component.grab_focus(entry)
    Atspi.EditableText.set_text_contents(entry, text)


def picture(name):
    path = os.path.join(os.environ["PICTURES"], f"{name}.png")
    subprocess.run(["import", "-window", os.environ["WINDOW"], path], check=True)
    shape = subprocess.run(["identify", "-format", "%w %h %k", path], check=True, capture_output=True, text=True).stdout
    width, height, colours = map(int, shape.split())
    assert (width, height) == (1280, 800), f"the window is {width} by {height}"
    assert colours > 20, f"{path} has {colours} colours: nothing was drawn"


def demo(export):
    # What each panel shows when it is really there.
    for panel, sign in [
        ("Overview", " used, "),
        ("Traffic", " requests"),
        ("History", "Chart of "),
        ("Accounts", "Name of the client"),
        ("Models", None),
        ("Batch", "No batches"),
        ("Planner", "Your own limits"),
        ("Settings", "No telemetry, ever."),
    ]:
        press(panel)
        if sign:
            shown(sign)
        else:
            wait_for(f"the panel {panel}", lambda role, name: name == panel and role in BUTTONS)
        picture(f"demo_{panel.lower()}")

    press("Settings")
    press("Rules")
    shown("Fallback routes")
    write("US dollars", "5")
    press("Set")
    shown(" of $5.00")
    picture("demo_rules")

    press("Planner")
    for meter, limit in [("RPM", "2000"), ("ITPM", "160000"), ("OTPM", "32000")]:
        write(meter, limit)
    shown("It does not fit with your limits: ITPM and OTPM are too small.")
    shown("your limits does not fit: RPM fits, ITPM does not fit, OTPM does not fit")
    picture("demo_plan")
    batch(os.path.dirname(export))

    press("History")
    press("Export…")
    press("Everything")
    write("File", export)
    wait_for("the path in its field", lambda role, name: name == "File" and role in {"entry", "text"})
    press("Export")
    rows = shown("written").get_name()
    picture("demo_export")
    with open(export, newline="", encoding="utf-8") as file:
        table = list(csv.DictReader(file))
    told = int("".join(c for c in rows if c.isdigit()))
    assert told == len(table) > 0, f"the window says {rows!r}, the file has {len(table)} rows"
    assert {"arrived_at", "model_asked", "output_tokens"} <= set(table[0]), list(table[0])
    press("Close")

    press("Export…")
    press("This chart as a picture")
    chart = os.path.join(os.environ["PICTURES"], "demo_chart.png")
    write("File", chart)
    press("Export")
    shown("Picture written")
    shape = subprocess.run(["identify", "-format", "%m %w %h %k", chart], check=True, capture_output=True, text=True).stdout.split()
    assert shape[0] == "PNG" and int(shape[1]) > 600 and int(shape[2]) > 400 and int(shape[3]) > 20, shape
    print(f"exported {len(table)} requests by the window")


def batch(folder):
    """A file of two rows and one that is none: seen, left out, run to its end."""
    rows, answers = os.path.join(folder, "rows.jsonl"), os.path.join(folder, "rows.out.jsonl")
    with open(rows, "w", encoding="utf-8") as file:
        for name in ["first", "second"]:
            message = {"role": "user", "content": "how far did the fox run?"}
            params = {"model": "claude-sonnet-5-5", "max_tokens": 20, "messages": [message]}
            file.write(json.dumps({"custom_id": name, "params": params}) + "\n")
        file.write("{no row\n")
    press("Batch")
    press("New batch…")
    write("Rows", rows)
    press("Check the file")
    shown("2 rows can be sent, 1 cannot.")
    picture("demo_batch_checked")
    press("Go on without the row that cannot be sent")
    press("Start")
    shown("done, 2 of 2 rows")
    picture("demo_batch_done")
    with open(answers, encoding="utf-8") as file:
        assert [json.loads(line)["custom_id"] for line in file] == ["first", "second"]
    print("ran a batch of 2 rows by the window")


def first_run():
    for part in ["ANTHROPIC_API_KEY", "Add a key", "tierline demo"]:
        shown(part)
    picture("first_run")


if __name__ == "__main__":
    Atspi.init()
    {"demo": demo, "first_run": first_run}[sys.argv[1]](*sys.argv[2:])
