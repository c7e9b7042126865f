#!/usr/bin/env python3
"""Code size, stack depth and context sizes of the core, one JSON line each.

usage: [PATHS=1] [VARIANTS=1] measure.py SOURCE-DIR

With VARIANTS only what the limits and switches of suit_limits.h change, for
the Cortex-M33.

The core is compiled with -Os for the host (cc) and for a Cortex-M33
(arm-none-eabi-gcc, when it is there) and linked with bench/size/agent.c,
unused sections dropped. Left out are the phrases of core/names.c, which are
for people, and the four functions of the C library that the core needs. Stack depth is the deepest path of gcc's call graph,
whose nodes carry the frame sizes; calls into ports count nothing, for they
are another library's.
"""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

TARGETS = [
    ("host", "cc", "nm", "size", []),
    ("m33", "arm-none-eabi-gcc", "arm-none-eabi-nm", "arm-none-eabi-size",
     ["-mcpu=cortex-m33", "-mthumb"]),
]
FLAGS = ["-std=c11", "-Os", "-ffreestanding", "-ffunction-sections",
         "-fdata-sections", "-fcallgraph-info=su", "-fno-stack-protector",
         "-fno-pie"]

# Calls through pointers that stay in the core: from a function or file, to
# the functions of a file that nobody calls by name. All others go to a port.
INDIRECT = [
    ("core/suit/run.c", "pst_suit_go", [
        "core/suit/run.c", "core/suit/commands.c", "core/suit/content.c",
        "core/suit/management.c", "core/suit/dependency.c",
        "core/suit/params.c"]),
    ("core/suit/sequences.c", "", ["core/suit/sequences.c"]),
    ("core/suit/images.c", "", ["core/suit/integrated.c",
                                "core/agent/wanted.c"]),
    ("core/suit/", "", ["core/agent/host.c", "core/agent/journal.c"]),
    ("core/cose/sign.c", "", ["core/agent/keys.c"]),
    ("core/teep/message.c", "", ["core/teep/item.c"]),
    ("core/agent/query.c", "", ["core/eat/attester.c"]),
]

PROTOCOLS = re.compile(r"core_(base|cbor_|cose_|suit_|teep_)")

STACKS = [
    ("teep_decode", ["pst_teep_decode"]),
    ("teep_encode", ["pst_teep_encode"]),
    ("cose_verify", ["pst_cose_parse", "pst_cose_verify"]),
    ("cose_sign", ["pst_cose_sign", "pst_cose_sign1"]),
    ("suit_process", ["pst_suit_envelope_decode", "pst_suit_authenticate",
                      "pst_suit_run_begin", "pst_suit_run",
                      "pst_suit_resume", "pst_suit_run_end",
                      "pst_suit_report_encode"]),
    ("agent", ["pst_agent_open", "pst_agent_message", "pst_agent_resume",
               "pst_agent_policy_check", "pst_agent_request_ta",
               "pst_agent_unrequest_ta", "pst_agent_error",
               "pst_agent_close"]),
]
CONTEXTS = [("agent", "agent"), ("suit_run", "context_suit_run"),
            ("suit_manifest", "context_suit_manifest"),
            ("teep_message", "context_teep_message"),
            ("cose_message", "context_cose_message")]


ALL_OFF = ["-DPST_SUIT_WITH_%s=0" % s for s in (
    "UPDATE_MANAGEMENT", "SWAP", "ENCRYPTION", "DEPENDENCY_PREFIX")]
VARIANTS = [("default", []), ("small", ["-DPST_SUIT_PROFILE_SMALL"]),
            ("bare", ALL_OFF),
            ("small_bare", ALL_OFF + ["-DPST_SUIT_PROFILE_SMALL"])] + [
    ("no_" + s.lower(), ["-DPST_SUIT_WITH_%s=0" % s]) for s in (
        "UPDATE_MANAGEMENT", "WAIT", "METADATA", "COSWID", "SWAP",
        "ENCRYPTION", "DEPENDENCY_PREFIX")]


def sources(top):
    with open(os.path.join(top, "core/sub.mk")) as f:
        names = ["core/" + line.split("+=")[1].strip() for line in f
                 if line.startswith("srcs-y")]
    names.remove("core/names.c")
    return names + ["bench/size/names.c", "bench/size/agent.c"]


def public_names(top):
    """Functions of the public headers: never reached through a pointer."""
    names = set()
    folder = os.path.join(top, "include/postern")
    for name in os.listdir(folder):
        with open(os.path.join(folder, name)) as f:
            names.update(re.findall(r"\b(pst_\w+)\(", f.read()))
    return names


def run(args, cwd):
    return subprocess.run(args, cwd=cwd, check=True, capture_output=True,
                          text=True).stdout


class Graph:
    """Call graph of all files; a function is named by file and name."""

    def __init__(self, public):
        self.public = public
        self.frame, self.file, self.calls = {}, {}, {}
        self.called = set()

    def read(self, path, source):
        with open(path) as f:
            text = f.read()
        for title, label in re.findall(
                r'node: \{ title: "([^"]+)" label: "([^"]*)"', text):
            size = re.search(r"\\n(\d+) bytes \((\w+)", label)
            if not size:
                continue
            if size.group(2) == "dynamic" and "bounded" not in label:
                raise SystemExit("unbounded frame: " + title)
            self.frame[title] = int(size.group(1))
            self.file[title] = source
        for caller, callee in re.findall(
                r'edge: \{ sourcename: "([^"]+)" targetname: "([^"]+)"',
                text):
            self.calls.setdefault(caller, set()).add(callee)
            self.called.add(callee)

    def callbacks(self, files):
        return [n for n, f in self.file.items()
                if f in files and n not in self.called and
                n not in self.public]

    def indirect(self, name):
        plain = name.split(":")[-1].split(".")[0]
        for where, function, files in INDIRECT:
            if self.file[name].startswith(where) and \
                    function in ("", plain):
                return self.callbacks(files)
        return []

    def depth(self, name, path=(), memo=None):
        memo = {} if memo is None else memo
        if name in memo:
            return memo[name]
        if name in path:
            raise SystemExit("recursion: " + " ".join(path + (name,)))
        if name not in self.frame:
            return 0
        deepest = 0
        for callee in self.calls.get(name, ()):
            targets = [callee]
            if callee == "__indirect_call":
                targets = self.indirect(name)
            for t in targets:
                deepest = max(deepest,
                              self.depth(t, path + (name,), memo))
        memo[name] = self.frame[name] + deepest
        return memo[name]


def deepest_path(graph, entry):
    """The frames of the deepest path, for whoever wants to shorten it."""
    path, name, memo = [], entry, {}
    while name in graph.frame:
        path.append("%s:%d" % (name.split(":")[-1], graph.frame[name]))
        below = [t for c in graph.calls.get(name, ())
                 for t in (graph.indirect(name) if c == "__indirect_call"
                           else [c])]
        if not below:
            break
        name = max(below, key=lambda t: graph.depth(t, (), memo))
    return " ".join(path)


def check_callbacks(graph):
    """Every function of the core that only a pointer reaches must be one
    that INDIRECT knows, or the depths above are too small."""
    known = {n for _, _, files in INDIRECT for n in graph.callbacks(files)}
    lost = [n for n, f in graph.file.items()
            if f.startswith("core/") and n not in graph.called and
            n not in graph.public and n not in known]
    if lost:
        print("stack depths leave out what calls these by pointer; add it to "
              "INDIRECT: " + " ".join(lost), file=sys.stderr)


def emit(name, value, note):
    print(json.dumps({"name": name, "value": value, "unit": "bytes",
                      "note": note}))


def measure(top, work, target, variant=None):
    name, cc, nm, size, extra = target
    if variant:
        name, extra = name + "_" + variant[0], extra + variant[1]
    out = os.path.join(work, name)
    os.mkdir(out)
    objects, graph = [], Graph(public_names(top))
    for source in sources(top):
        obj = os.path.join(out, source.replace("/", "_") + ".o")
        run([cc] + FLAGS + extra + ["-Iinclude", "-Icore", "-c", source,
                                    "-o", obj], top)
        objects.append(obj)
        graph.read(obj[:-2] + ".ci", source)
    elf = os.path.join(out, "agent.elf")
    link = ["-Wl,--gc-sections", "-Wl,-e,entry", "-nostartfiles", "-no-pie",
            "-Wl,-Map=" + elf + ".map"]
    run([cc] + extra + link + objects + ["-o", elf], top)
    report(graph, elf, objects[-1], nm, size, name, cc, bool(variant))


def report(graph, elf, agent, nm, size, name, cc, brief):
    text = sum(n for section, n in sections(size, elf)
               if section.startswith((".text", ".rodata")))
    sizes = symbols(nm, elf)
    text -= sum(sizes.get(f, 0)
                for f in ("memcpy", "memmove", "memset", "memcmp"))
    version = run([cc, "-dumpfullversion"], "/").strip()
    note = "gcc %s -Os, .text and .rodata after --gc-sections" % version
    emit("code_size_agent_" + name, text, note)
    if brief:
        emit("context_suit_run_" + name,
             symbols(nm, agent)["context_suit_run"], "sizeof")
        return
    with open(elf + ".map") as f:
        kept = of_objects(f.read())
    emit("code_size_protocols_" + name,
         sum(n for obj, n in kept.items() if PROTOCOLS.match(obj)),
         "of these: CBOR, COSE, SUIT and TEEP, without agent and EAT")
    check_callbacks(graph)
    memo = {}
    for what, entries in STACKS:
        deep, entry = max((graph.depth(e, (), memo), e) for e in entries)
        if os.environ.get("PATHS"):
            print("%s_%s: %s" % (what, name, deepest_path(graph, entry)),
                  file=sys.stderr)
        emit("stack_%s_%s" % (what, name), deep, "static maximum, ports apart")
    sizes = symbols(nm, agent)
    for what, symbol in CONTEXTS:
        if symbol in sizes:
            emit("context_%s_%s" % (what, name), sizes[symbol], "sizeof")


def symbols(nm, file):
    """Size of each symbol that has one."""
    out = {}
    for line in run([nm, "-S", file], "/").splitlines():
        part = line.split()
        if len(part) == 4:
            out[part[3]] = int(part[1], 16)
    return out


def of_objects(text):
    """Bytes of code and constants that each object kept, by a linker map."""
    out = {}
    text = text.split("Linker script and memory map")[1]
    for section, size, obj in re.findall(
            r"^ (\.(?:text|rodata)\S*)\s+0x0*[1-9a-f][0-9a-f]*\s+"
            r"0x([0-9a-f]+)\s+(\S+)$", text, re.M):
        obj = os.path.basename(obj)
        out[obj] = out.get(obj, 0) + int(size, 16)
    return out


def sections(size, elf):
    for line in run([size, "-A", elf], "/").splitlines():
        part = line.split()
        if len(part) == 3 and part[0].startswith("."):
            yield part[0], int(part[1])


def main():
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    top = os.path.abspath(sys.argv[1])
    with tempfile.TemporaryDirectory() as work:
        if os.environ.get("VARIANTS"):
            for variant in VARIANTS:
                measure(top, work, TARGETS[1], variant)
            return
        for target in TARGETS:
            if shutil.which(target[1]):
                measure(top, work, target)
            else:
                print("%s: not there, %s is not measured" %
                      (target[1], target[0]), file=sys.stderr)


main()
