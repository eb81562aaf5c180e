#!/usr/bin/env python3
"""business-case.xlsx in LibreOffice: results as written, recalculated, and after an assumption changes.

Usage: check.py PILOT SOFFICE

For each plan in plans/: (a) the results in the file as written are those of analysis.json; (b) a copy in which
every result is 999 recalculates to the same; (c) copies with changed inputs recalculate to what
`pilot analyze --set` says. Python's standard library only.
"""

import csv
import json
import random
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from xml.etree import ElementTree
from xml.sax.saxutils import escape

HERE = Path(__file__).resolve().parent
MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
# Names of inputs in the workbook where they are not the key's last part.
NAMES = {
    "cost_per_contact.variable": "variable_cost",
    "cost_per_contact.labour": "labour_cost",
    "cost_per_minute.variable": "variable_cost",
    "cost_per_minute.labour": "labour_cost",
    "realisation_lag_months": "lag_months",
    "units_at_rollout": "units",
    "new_customers_per_month": "new_customers",
    "churn_per_month": "churn",
    "annual_discount_rate": "discount_rate",
    "annual_service_budget": "service_budget",
    "arms.sheet.cost_per_customer": "arm1_delivery",
    "arms.video.cost_per_customer": "arm2_delivery",
    "arms.video.fixed_cost": "arm2_fixed",
}
# What is no money, relative to its size: sums are taken in another order.
RELATIVE = 1e-9


def run(*command, cwd=None):
    done = subprocess.run([str(c) for c in command], cwd=cwd, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(map(str, command))}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}")
    return done.stdout


def data(folder, arms):
    """Counts and a log of simulated customers; the treated make fewer and shorter contacts."""
    chance = random.Random(20261125)
    counts, customers, contacts = [], [], []
    for i in range(6000):
        k = i % len(arms)
        customer = f"C{i:05}"
        made = sum(chance.random() < 0.14 - 0.02 * k - 0.01 * (k > 0) for _ in range(10))
        counts.append((customer, arms[k], made))
        customers.append((customer, arms[k]))
        for _ in range(made):
            day = chance.randrange(60)
            month, day = (9, day + 1) if day < 30 else (10, day - 29)
            seconds = round(120 + 300 * chance.random() - 10 * k, 1)
            time = f"2026-{month:02}-{day:02}T{8 + chance.randrange(10):02}:00:00"
            reason = "fees" if chance.random() < 0.7 - 0.1 * k else "card"
            contacts.append((f"T{len(contacts):06}", customer, time, seconds, reason))
    for name, head, rows in [
        ("counts.csv", ("customer", "arm", "after"), counts),
        ("customers.csv", ("customer", "arm"), customers),
        ("contacts.csv", ("id", "customer", "time", "seconds", "reason"), contacts),
    ]:
        with open(folder / name, "w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([head, *rows])


class Book:
    """The values, formulas and defined names of an XLSX file."""

    def __init__(self, path):
        with zipfile.ZipFile(path) as file:
            self.parts = {name: file.read(name) for name in file.namelist()}
        book = ElementTree.fromstring(self.parts["xl/workbook.xml"])
        relations = ElementTree.fromstring(self.parts["xl/_rels/workbook.xml.rels"])
        targets = {r.get("Id"): r.get("Target") for r in relations}
        self.files = {}
        for sheet in book.find(f"{MAIN}sheets"):
            target = targets[sheet.get(RELATION)].removeprefix("/xl/")
            self.files[sheet.get("name")] = f"xl/{target}"
        names = book.find(f"{MAIN}definedNames")
        self.names = {n.get("name"): n.text for n in names if not n.get("name").startswith("_xlnm")}
        strings = ElementTree.fromstring(self.parts["xl/sharedStrings.xml"])
        self.strings = ["".join(t.text or "" for t in s.iter(f"{MAIN}t")) for s in strings]
        self.sheets = {name: self.read(part) for name, part in self.files.items()}

    def read(self, part):
        cells = {}
        for cell in ElementTree.fromstring(self.parts[part]).iter(f"{MAIN}c"):
            value = cell.find(f"{MAIN}v")
            if value is None or value.text is None:
                continue
            kind = cell.get("t", "n")
            if kind == "s":
                cells[cell.get("r")] = self.strings[int(value.text)]
            elif kind == "n":
                cells[cell.get("r")] = float(value.text)
            else:
                cells[cell.get("r")] = value.text
        return cells

    def row(self, sheet, label):
        for cell, value in self.sheets[sheet].items():
            if value == label and re.fullmatch(r"A\d+", cell):
                return int(cell[1:])
        sys.exit(f"{sheet} has no {label}")

    def figure(self, label, arm):
        value = self.sheets["Summary"].get(f"{chr(ord('B') + arm)}{self.row('Summary', label)}")
        return value if isinstance(value, float) else None

    def save(self, path, parts):
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
            for name, content in {**self.parts, **parts}.items():
                file.writestr(name, content)

    def poisoned(self, path, results="999"):
        """A copy in which every formula's result is 999."""
        parts, formulas = {}, 0
        for part in self.files.values():
            text = self.parts[part].decode()

            def poison(match):
                head = re.sub(r' t="\w+"', "", match[1])
                return f"{head}{match[2]}<v>{results}</v>"

            text, n = re.subn(r"(<c [^>]*>)(<f>[^<]*</f>)<v>[^<]*</v>", poison, text)
            formulas += n
            parts[part] = text
        self.save(path, parts)
        return formulas

    def changed(self, path, inputs):
        """A copy with other inputs and every result 999."""
        self.poisoned(path)
        parts = Book(path).parts
        for name, value in inputs.items():
            sheet, cell = self.names[name].rsplit("!", 1)
            part, cell = self.files[sheet.strip("'")], cell.replace("$", "")
            text = parts[part].decode()
            if isinstance(value, str):
                new = rf'<c r="{cell}"\1 t="inlineStr"><is><t>{escape(value)}</t></is></c>'
            else:
                new = rf'<c r="{cell}"\1><v>{value}</v></c>'
            pattern = rf'<c r="{cell}"( s="\d+")(?: t="\w+")?><v>[^<]*</v></c>'
            text, n = re.subn(pattern, new, text)
            if n != 1:
                sys.exit(f"no input cell {cell} for {name}")
            parts[part] = text.encode()
        self.save(path, parts)


class Office:
    """LibreOffice with a profile of its own, that recalculates on load: 0 always, 1 never."""

    def __init__(self, program, folder, mode):
        self.program, self.folder = program, folder
        user = folder / "user"
        user.mkdir(parents=True)
        item = (
            '<item oor:path="/org.openoffice.Office.Calc/Formula/Load">'
            '<prop oor:name="OOXMLRecalcMode" oor:op="fuse"><value>{}</value></prop></item>'
        )
        (user / "registrymodifications.xcu").write_text(
            '<?xml version="1.0" encoding="UTF-8"?>\n'
            '<oor:items xmlns:oor="http://openoffice.org/2001/registry">'
            + item.format(mode)
            + "</oor:items>\n"
        )

    def convert(self, files, out):
        out.mkdir(exist_ok=True)
        run(
            self.program,
            f"-env:UserInstallation={self.folder.as_uri()}",
            "--headless",
            "--norestore",
            "--convert-to",
            "xlsx",
            "--outdir",
            out,
            *files,
        )
        return [Book(out / file.name) for file in files]


def compare(what, book, analysis):
    case = analysis["business"]
    half_unit = 0.5 / 10 ** case["minor_digits"]
    compared = 0

    def near(label, found, expected, within):
        nonlocal compared
        compared += 1
        if (found is None) != (expected is None) or (
            found is not None and not abs(found - expected) < within
        ):
            sys.exit(f"FAIL {what}: {label} is {found}, not {expected}")

    value = lambda line: line and line["value"]
    minutes = "minutes" if case["priced"] == "minutes" else "contacts"
    for k, arm in enumerate(case["arms"]):
        raw = arm["as_estimated"]
        money = {
            "Present value of spend": value(arm["pv_spend"]),
            "Net present value, as estimated": value((raw or arm)["npv"]),
        }
        share = {
            "Share of savings beyond what was measured": value(arm["share_beyond_observed"]),
            f"Reduction of {minutes} at which NPV is 0": value(arm["break_even_reduction"]),
        }
        money |= {
            "Present value of savings": value(arm["pv_savings"]),
            "Net present value": value(arm["npv"]),
            "Net present value, observed only": value(arm["npv_observed_only"]),
            "Cost per contact avoided": value(arm["cost_per_contact_avoided"]),
        }
        if arm.get("every_reason"):
            money["Net present value, every reason counted"] = value(arm["every_reason"]["npv"])
        share |= {
            "Contacts avoided over the horizon": value(arm["contacts_avoided"]),
            "Share of net present value beyond what was measured": value(arm["npv_share_beyond_observed"]),
            "Return on investment": value(arm["roi"]),
            "Payback, months": arm["payback_months"],
            "Payback with discounted cash, months": arm["payback_months_discounted"],
        }
        if arm["budget_share"]:
            share["Share of the service budget"] = value(arm["budget_share"])
        for label, expected in money.items():
            near(f"arm {k + 1}: {label}", book.figure(label, k), expected, half_unit)
        for label, expected in share.items():
            within = RELATIVE * max(abs(expected or 0.0), 1e-6)
            near(f"arm {k + 1}: {label}", book.figure(label, k), expected, within)
        if arm["staffing"]:
            column = chr(ord("B") + k)
            sheet = "Hours and agents"
            at = lambda label: book.sheets[sheet].get(f"{column}{book.row(sheet, label)}")
            agents = arm["staffing"]["agents"]
            hours = arm["staffing"]["hours_per_year"]["value"]
            near("hours", at("Handling hours avoided a year"), hours, RELATIVE * abs(hours))
            for label, staffed in [
                ("Agents needed as it is", "before"),
                ("Fewer agents: needed", "fewer_agents"),
            ]:
                near(label, at(label), agents[staffed]["agents"], 0.5)
            level = agents["lower_occupancy"]["service_level"]
            near("service", at("Same agents: answered in time"), level, RELATIVE)
    for name, cells in book.sheets.items():
        for cell, found in cells.items():
            if isinstance(found, str) and found.startswith("#") and found.endswith(("!", "?", "A")):
                sys.exit(f"FAIL {what}: {name}!{cell} is {found}")
    return compared


def chosen(analysis):
    """The arm of the highest net present value as estimated."""
    arms = analysis["business"]["arms"]
    return max(arms, key=lambda arm: (arm["as_estimated"] or arm)["npv"]["value"])["arm"]


def main():
    pilot, soffice = Path(sys.argv[1]).resolve(), sys.argv[2]
    changes = json.loads((HERE / "changes.json").read_text())
    with tempfile.TemporaryDirectory() as temporary:
        root = Path(temporary)
        always = Office(soffice, root / "always", 0)
        never = Office(soffice, root / "never", 1)
        copies, expected, first = [], [], None
        for plan in sorted((HERE / "plans").glob("*.toml")):
            name = plan.stem
            desk = root / f"desk-{name}"
            (desk / "experiments").mkdir(parents=True)
            (desk / "pilot.toml").write_text("")
            shutil.copy(plan, desk / "experiments" / plan.name)
            arms = re.findall(r'\[\[arms\]\]\nname = "([^"]+)"', plan.read_text())
            data(desk, arms)
            analyze = (pilot, "analyze", name, "--as-of", "2026-11-20", "--json")
            analysis = json.loads(run(*analyze, cwd=desk))
            path = desk / "reports" / name / "business-case.xlsx"
            book = Book(path)
            n = compare(f"{name} as written", book, analysis)
            print(f"ok {name}: {n} results as written")
            copy = root / f"{name}-999.xlsx"
            formulas = book.poisoned(copy)
            if formulas < 1000:
                sys.exit(f"FAIL {name}: only {formulas} formulas")
            first = first or (copy, name, analysis)
            copies.append(copy)
            expected.append((f"{name}, {formulas} results of 999", analysis))
            for i, change in enumerate(changes[name]):
                copy = root / f"{name}-{i}.xlsx"
                keys = {key.removeprefix("business."): value for key, value in change.items()}
                book.changed(copy, {NAMES.get(k, k): v for k, v in keys.items()})
                sets = [f"{key}={json.dumps(value)}" for key, value in change.items()]
                options = [part for s in sets for part in ("--set", s)]
                analysis = json.loads(run(*analyze, *options, cwd=desk))
                copies.append(copy)
                expected.append((f"{name} with {', '.join(sets)}", analysis))
        best = set()
        for book, (what, analysis) in zip(always.convert(copies, root / "out"), expected):
            n = compare(what, book, analysis)
            best.add((what.split(" ")[0].strip(","), chosen(analysis)))
            print(f"ok {what}: {n} results recalculated")
        # Some change must make another arm the best: its correction is another.
        if sum(pilot == "three-arms" for pilot, _ in best) < 2:
            sys.exit(f"FAIL three-arms: the same arm is the best under every change: {best}")
        # That the recalculation is real: without it the copy still says 999.
        copy, name, _ = first
        stale = never.convert([copy], root / "stale")[0]
        if stale.figure("Net present value", 0) != 999:
            sys.exit(f"FAIL {name}: a copy that was not recalculated does not say 999")
        print("ok without recalculation the copy says 999")


main()
