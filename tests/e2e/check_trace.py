"""check_trace.py FILE REPORT: FILE is a trace that the Perfetto viewer takes, and its slices sum to what `bench --json` counted.

The rules are those of the Trace Event Format document (JSON object format): ph, ts, dur, pid, tid, names and metadata; complete events of a
thread nest or follow each other; asynchronous begin and end events come in pairs of one id."""
import json
import sys
from collections import defaultdict

CATEGORIES = ["compute", "wait_ifmap", "wait_filter", "wait_psum", "wait_drain", "overhead", "wait_load", "wait_depend", "idle"]

trace = json.load(open(sys.argv[1]))
report = json.load(open(sys.argv[2]))
events = trace["traceEvents"]
names, threads, slices, begun = {}, defaultdict(list), defaultdict(list), {}
for e in events:
    assert e["ph"] in "XbeM", e
    assert isinstance(e["pid"], int) and isinstance(e["tid"], int) and isinstance(e["name"], str) and e["name"], e
    if e["ph"] == "M":
        if e["name"] == "thread_name":
            names[e["pid"], e["tid"]] = e["args"]["name"]
        continue
    assert isinstance(e["ts"], int) and e["ts"] >= 0, e
    if e["ph"] == "X":
        assert isinstance(e["dur"], int) and e["dur"] > 0, e
        threads[e["pid"], e["tid"]].append(e)
        slices[names[e["pid"], e["tid"]]].append(e)
    elif e["ph"] == "b":
        assert e["id"] not in begun, e
        begun[e["id"]] = e
    else:
        assert e["ts"] >= begun[e["id"]]["ts"] and e["name"] == begun[e["id"]]["name"], e
        begun[e["id"]]["done"] = True
assert set(slices) >= {"job", "array", "load", "output", "store"}, sorted(slices)
assert begun and all("done" in e for e in begun.values())

for thread in threads.values():                        # nesting
    stack = []
    for e in sorted(thread, key=lambda e: (e["ts"], -e["dur"])):
        while stack and stack[-1] <= e["ts"]:
            stack.pop()
        assert not stack or e["ts"] + e["dur"] <= stack[-1], e
        stack.append(e["ts"] + e["dur"])

(job,) = slices["job"]
groups = [e for e in slices["array"] if not e["name"].startswith("pass ")]
passes = [e for e in slices["array"] if e["name"].startswith("pass ")]
at = job["ts"]
for e in sorted(groups, key=lambda e: e["ts"]):        # without a gap, from the job's start to its end
    assert e["ts"] == at, e
    at += e["dur"]
    assert sum(e["args"].get(c, 0) for c in CATEGORIES) == e["dur"], e
assert at == job["ts"] + job["dur"]
assert sum(job["args"].get(c, 0) for c in CATEGORIES) == job["dur"]
for key in CATEGORIES + ["macs"]:
    assert sum(e["args"].get(key, 0) for e in groups) == job["args"].get(key, 0), key
assert all(job["ts"] <= e["ts"] and e["ts"] + e["dur"] <= job["ts"] + job["dur"] for thread in threads.values() for e in thread)
assert len(passes) >= sum(not e["name"] == "no group" for e in groups)

layers = report["layers"]                              # what the runtime read from the status blocks
assert job["args"]["macs"] == sum(l["macs_counted"] for l in layers)
counted = {c: sum(l["compute"] if c == "compute" else l["stalls"][c] for l in layers) for c in CATEGORIES}
last = job["dur"] - sum(l["cycles"] for l in layers)   # from the last layer's snapshot to ap_done
assert 0 <= last < 1000, last
for c in CATEGORIES[:-1]:
    assert job["args"].get(c, 0) == counted[c], c
for part in layers + [report]:                        # every clock and access is some layer's
    assert part["compute"] + sum(part["stalls"].values()) == part["cycles"], part
for kind in ("stalls", "bytes", "accesses"):
    for key, value in report[kind].items():
        assert value == sum(l[kind][key] for l in layers), (kind, key)
assert report["macs"] == sum(l["macs"] for l in layers) and report["cycles"] == sum(l["cycles"] for l in layers)
assert abs(report["utilization"] - report["macs"] / (report["macs_per_cycle"] * report["cycles"])) < 1e-4
on_array = [l["name"].split("/")[-1] for l in layers if l["where"] == "array"]
assert sorted(e["name"] for e in begun.values()) == sorted(on_array), (sorted(e["name"] for e in begun.values()), sorted(on_array))
print(len(events), "events,", job["dur"], "clocks")
