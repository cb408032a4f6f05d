#!/usr/bin/env python3
"""check.py OUT ROOT - the files of generate.sh against the Verilog, hw/isa.h and the table of cards, before hours of building.

Reads each of them anew (registers out of isa.h and control.sv by their text, not from describe.c), so that a drift between
any two is found.  Prints one line for each that is; exit status 1 if there are any.
"""
import os
import re
import sys
import xml.etree.ElementTree as ET

problems = []


def problem(text):
    problems.append(text)


def read(*path):
    name = os.path.join(*path)
    try:
        with open(name, encoding="utf-8") as f:
            return f.read()
    except OSError as e:
        problem(f"{name}: {e.strerror}")
        return ""


def ports_of(verilog, module):
    """{name: (direction, bits)} of a module with ports in its header."""
    header = re.search(r"^module %s \((.*?)^\);" % module, verilog, re.S | re.M)
    if not header:
        problem(f"no module {module} in its file")
        return {}
    ports = {}
    for line in header.group(1).splitlines():
        m = re.match(r"\s*(input|output)\s+(?:wire|reg)?\s*(?:signed)?\s*(?:\[(\d+):0\])?\s*(\w+)\s*,?\s*(?://.*)?$", line)
        if m:
            ports[m.group(3)] = (m.group(1), int(m.group(2) or 0) + 1)
        elif line.strip():
            problem(f"module {module}: not understood: {line.strip()}")
    return ports


def check_verilog(out):
    folder = os.path.join(out, "rtl")
    texts = {f: read(folder, f) for f in sorted(os.listdir(folder))} if os.path.isdir(folder) else {}
    modules = {m: f for f, t in texts.items() for m in re.findall(r"^module (\w+)", t, re.M)}
    for f, t in texts.items():
        for used in re.findall(r"^\s+(?!module|function|end|else|if|case|begin|assign)(\w+)\s+(?:#\(.*?\)\s*)?\w+\s*\(\s*(?://.*)?$", t, re.M):
            if used not in modules:
                problem(f"rtl/{f} instantiates {used}, and no file in rtl/ has it")
    core, top = ports_of(texts.get("core.sv", ""), "core"), ports_of(texts.get("rs.v", ""), "rs")
    for name, port in core.items():
        if top.get(name) != port:
            problem(f"port {name}: core.sv has {port}, rs.v {top.get(name)}")
    constant = {"AWCACHE": 4, "AWPROT": 3, "AWLOCK": 2, "AWQOS": 4, "ARCACHE": 4, "ARPROT": 3, "ARLOCK": 2, "ARQOS": 4}
    for name, bits in constant.items():
        if top.get("m_axi_gmem_" + name) != ("output", bits):
            problem(f"rs.v: output m_axi_gmem_{name} of {bits} bits is expected")
    return core, top, texts.get("control.sv", "")


AXI_LITE = {"AWADDR": "input", "AWVALID": "input", "AWREADY": "output", "WDATA": "input", "WSTRB": "input", "WVALID": "input",
            "WREADY": "output", "BRESP": "output", "BVALID": "output", "BREADY": "input", "ARADDR": "input", "ARVALID": "input",
            "ARREADY": "output", "RDATA": "output", "RRESP": "output", "RVALID": "output", "RREADY": "input"}
AXI = {"AWADDR": "output", "AWLEN": "output", "AWSIZE": "output", "AWBURST": "output", "AWVALID": "output", "AWREADY": "input",
       "WDATA": "output", "WSTRB": "output", "WLAST": "output", "WVALID": "output", "WREADY": "input", "BRESP": "input",
       "BVALID": "input", "BREADY": "output", "ARADDR": "output", "ARLEN": "output", "ARSIZE": "output", "ARBURST": "output",
       "ARVALID": "output", "ARREADY": "input", "RDATA": "input", "RRESP": "input", "RLAST": "input", "RVALID": "input",
       "RREADY": "output"}


def check_ports(core, data_bits, control_range):
    want = {"ap_clk": ("input", 1), "ap_rst_n": ("input", 1), "interrupt": ("output", 1)}
    address_bits = max(control_range - 1, 1).bit_length()
    lite = {"AWADDR": address_bits, "ARADDR": address_bits, "WDATA": 32, "RDATA": 32, "WSTRB": 4, "BRESP": 2, "RRESP": 2}
    full = {"AWADDR": 64, "ARADDR": 64, "WDATA": data_bits, "RDATA": data_bits, "WSTRB": data_bits // 8, "AWLEN": 8, "ARLEN": 8,
            "AWSIZE": 3, "ARSIZE": 3, "AWBURST": 2, "ARBURST": 2, "BRESP": 2, "RRESP": 2}
    for name, direction in AXI_LITE.items():
        want["s_axi_control_" + name] = (direction, lite.get(name, 1))
    for name, direction in AXI.items():
        want["m_axi_gmem_" + name] = (direction, full.get(name, 1))
    for name in sorted(set(want) | set(core)):
        if core.get(name) != want.get(name):
            problem(f"port {name}: core.sv has {core.get(name)}, an AXI kernel with {data_bits} data bits and a register space of "
                    f"{control_range} bytes has {want.get(name)}")


def check_registers(out, root, control):
    isa = read(root, "hw/isa.h")
    table = read(root, "sw/xclbin/kernel.h")
    tcl = read(out, "kernel.tcl")
    defined = {n: int(v, 0) for n, v in re.findall(r"^#define (RS_REG_\w+)\s+(0x[0-9A-Fa-f]+|\d+)", isa, re.M)}
    args = re.findall(r"A\((\d+), (\w+),\s*(RS_REG_\w+), (\d), (\d), \"([^\"]+)\"\)", table)
    if len(args) != 5 or "RS_REG_CTRL" not in defined:
        problem("hw/isa.h or sw/xclbin/kernel.h: the registers or the five arguments are not found")
        return 512, 4096
    for register in {r for _, _, r, _, _, _ in args} - set(defined):
        problem(f"sw/xclbin/kernel.h: {register} is not in hw/isa.h")
    want = [("CTRL", 0, 32, "ctrl"), ("GIER", 4, 32, "ctrl"), ("IP_IER", 8, 32, "ctrl"), ("IP_ISR", 12, 32, "ctrl")]
    want += [(name, defined.get(r, -1), 8 * int(size), "pointer" if q == "1" else "scalar") for _, name, r, size, q, _ in args]
    block = re.search(r"set registers \{(.*?)^\}", tcl, re.S | re.M)
    have = [(n, int(o, 0), int(b), w) for n, o, b, w in re.findall(r"\{(\w+) (\w+) (\d+) (\w+)\}", block.group(1) if block else "")]
    for w, h in zip(want + [None] * len(have), have + [None] * len(want)):
        if w is None and h is None:
            break
        if w != h:
            problem(f"kernel.tcl: register {h}, hw/isa.h has {w}")

    # The RTL: what a write reaches, by the constants in control.sv.
    writes = {int(n) for n in re.findall(r"r_awaddr == \d+'d(\d+)\b", control)}
    words = {o + 4 * i for _, o, bits, _ in want for i in range(bits // 32)}
    if writes != words:
        problem(f"control.sv writes registers {sorted(map(hex, writes))}, hw/isa.h has {sorted(map(hex, words))}")
    reads = {int(n) for n in re.findall(r"araddr == \d+'d(\d+)\b|\d+'d(\d+)\s*:", control) for n in n if n}
    for name, offset in defined.items():
        if name != "RS_REG_SPACE" and offset not in reads:
            problem(f"control.sv: {name} at 0x{offset:02x} cannot be read")

    xml = read(out, "kernel.xml")
    try:
        tree = ET.fromstring(xml)
    except ET.ParseError as e:
        problem(f"kernel.xml: {e}")
        return 512, 4096
    have_args = [(a.get("id"), a.get("name"), int(a.get("offset"), 0), int(a.get("size"), 0), a.get("addressQualifier"), a.get("type"),
                  a.get("port")) for a in tree.iter("arg")]
    want_args = [(i, name, defined.get(r), int(size), q, t, "m_axi_gmem" if q == "1" else "s_axi_control") for i, name, r, size, q, t in args]
    for w, h in zip(want_args, have_args):
        if w != h:
            problem(f"kernel.xml: argument {h}, expected {w}")
    if len(want_args) != len(have_args):
        problem(f"kernel.xml: {len(have_args)} arguments, expected {len(want_args)}")
    bits = re.search(r"^set data_bits (\d+)", tcl, re.M)
    space = re.search(r"^set control_range (\d+)", tcl, re.M)
    if not space or int(space.group(1)) != defined.get("RS_REG_SPACE"):
        problem("kernel.tcl: control_range is not RS_REG_SPACE")
    for port in tree.iter("port"):
        if port.get("name") == "m_axi_gmem" and bits and port.get("dataWidth") != bits.group(1):
            problem(f"kernel.xml: dataWidth {port.get('dataWidth')}, kernel.tcl has {bits.group(1)}")
    return int(bits.group(1)) if bits else 512, defined.get("RS_REG_SPACE", 4096)


def check_link(out, root):
    cards = [line.split() for line in read(root, "scripts/kernel/platforms.txt").splitlines() if line and line[0] != "#"]
    cfg, build, place = read(out, "link.cfg.in"), read(out, "build.sh"), read(out, "place.tcl")
    platform = re.search(r"--platform (\S+)", build)
    card = next((c for c in cards if platform and c[2] == platform.group(1)), None)
    if card is None:
        problem(f"build.sh: platform {platform.group(1) if platform else None} is not in platforms.txt")
        return
    if f"-tclargs {card[1]}\n" not in build:
        problem(f"build.sh: the part of {card[0]} is {card[1]}")
    places = dict(p.split(":", 1) for p in card[3:])
    nk = re.search(r"^nk=rs:(\d+):(\S+)$", cfg, re.M)
    units = nk.group(2).split(".") if nk else []
    if not nk or int(nk.group(1)) != len(units):
        problem("link.cfg: nk=rs:NUMBER:rs_1.rs_2... is expected")
    slr, sp = dict(re.findall(r"^slr=(\w+):(\w+)$", cfg, re.M)), dict(re.findall(r"^sp=(\w+)\.m_axi_gmem:(\S+)$", cfg, re.M))
    clocks = re.findall(r"^freqhz=(\d+):(\w+)\.ap_clk$", cfg, re.M)
    for unit in units:
        if slr.get(unit) not in places:
            problem(f"link.cfg: {unit} in {slr.get(unit)}; {card[0]} has {', '.join(places)}")
        elif sp.get(unit) != places[slr[unit]]:
            problem(f"link.cfg: {unit} in {slr[unit]} uses {sp.get(unit)}, its bank there is {places[slr[unit]]}")
        if unit not in [u for _, u in clocks]:
            problem(f"link.cfg: no clock for {unit}")
    for unit in (set(slr) | set(sp) | {u for _, u in clocks}) - set(units):
        problem(f"link.cfg: {unit} is not in nk=")
    if len(set(slr.values())) != len(slr):
        problem("link.cfg: two units in one SLR")
    placed = re.search(r"^set cu_slr \{(.*)\}$", place, re.M)
    words = placed.group(1).split() if placed else []
    if dict(zip(words[::2], words[1::2])) != slr:
        problem(f"place.tcl: units {words}, link.cfg has {slr}")
    for line in cfg.splitlines():
        if line and not re.match(r"#|\[(connectivity|clock|vivado)\]$|(nk|slr|sp|freqhz)=|prop=run\.impl_1\.STEPS\.PLACE_DESIGN\.TCL\.PRE=@DIR@/place\.tcl$", line):
            problem(f"link.cfg: not understood: {line}")


def main():
    if len(sys.argv) != 3:
        sys.exit("usage: check.py OUT ROOT")
    out, root = sys.argv[1:]
    core, _, control = check_verilog(out)
    data_bits, space = check_registers(out, root, control)
    check_ports(core, data_bits, space)
    check_link(out, root)
    ooc = read(out, "rs_ooc.xdc")
    if not re.search(r"^create_clock -period [0-9.]+ -name ap_clk \[get_ports ap_clk\]$", ooc, re.M):
        problem("rs_ooc.xdc: no clock on port ap_clk")
    for name in ("package_kernel.tcl", "rs.cfg"):
        read(out, name)
    for text in problems:
        print("check.py: " + text)
    sys.exit(1 if problems else 0)


main()
