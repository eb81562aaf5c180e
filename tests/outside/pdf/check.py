"""Reads the pages that pilot writes with poppler: how many there are, that all words are on them,
and that nothing in them acts.

python3 check.py PILOT [FOLDER]: with a folder, the pages are kept there as PNG to be looked at.
"""

import json
import pathlib
import random
import re
import subprocess
import sys
import tempfile

PILOT = sys.argv[1]
KEEP = pathlib.Path(sys.argv[2]) if len(sys.argv) > 2 else None

ENGLISH = ["Control", "Ten-tip sheet", "60-second video", "Welcome e-mail", "Quick-start page",
           "Video series", "Tip sheet and video", "Agent training"]
PERSIAN = ["گروه کنترل", "برگهٔ ده نکته", "ویدیوی شصت‌ثانیه‌ای", "ایمیل خوشامدگویی برای مشتریان تازه",
           "صفحهٔ شروع سریع", "مجموعهٔ ویدیو", "برگهٔ نکته و ویدیو (CRM)", "آموزش کارکنان"]
CHINESE = ["对照组", "十条提示", "六十秒视频", "欢迎邮件，发送给所有在十月加入的新客户", "快速入门页面", "视频系列",
           "提示与视频", "客服培训"]
HOSTILE = ["<script>alert(1)</script>", '#read("../secret")', "=HYPERLINK(\"http://x\")",
           "\"><img src=x onerror=alert(1)>", "#eval(\"1\") $ x^2 $ *b* _i_ `r`", "@label <label> //c /* c */",
           "\\u{1F600} 😀 emoji", "x" * 200]
TITLES = {
    "english": ("Fee questions", "Customers call about fees that they did not expect", ENGLISH),
    "persian": ("پرسش‌های کارمزد: برگه، ویدیو یا ایمیل", "مشتریان دربارهٔ کارمزد می‌پرسند", PERSIAN),
    "chinese": ("费用问题：提示、视频或邮件", "客户来电询问意外的费用", CHINESE),
    "hostile": ("</title>" + "#panic()" + " =1+1 ", "#import \"@preview/x:0.1.0\" " + "w" * 900, HOSTILE),
}


def quoted(text):
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def plan(name, words, arms, effect):
    title, problem, titles = TITLES[words]
    text = f"schema = 1\n[experiment]\nname = {quoted(name)}\nseed = 7\n"
    text += f"title = {quoted(title)}\nproblem = {quoted(problem)}\n"
    text += '[assignment]\nmethod = "existing"\n'
    for i in range(arms):
        text += f"[[arms]]\nname = \"arm-{i}\"\ntitle = {quoted(titles[i])}\ncontrol = {str(i == 0).lower()}\n"
        text += f"weight = 1\nfixed_cost = {1000 * i}\ncost_per_customer = 0.2\n"
    text += ('[data.counts]\npath = "data.csv"\ncolumns = { unit = "unit", arm = "arm", exposure = "days" }\nexposure_unit = "day"\n'
             '[[outcomes]]\nname = "contacts"\nrole = "primary"\n'
             '[analysis]\nestimator = "lin"\npermutations = 999\nbootstrap = 999\n'
             '[business]\ncurrency = "EUR"\ncost_per_contact = { variable = 1, labour = { low = 2, mode = 3, high = 5 } }\n'
             "realisation = { low = 0.3, mode = 0.5, high = 0.7 }\nhalf_life_months = 8\n"
             "units_at_rollout = 400000\nnew_customers_per_month = 5000\nchurn_per_month = 0.01\n")
    random.seed(f"{name}{effect}")
    rows = ["unit,arm,days,before,after"]
    for i in range(arms):
        for c in range(400):
            rate = random.gammavariate(1, 1)
            draw = lambda m: sum(random.expovariate(1) < m for _ in range(3))
            rows.append(f"c{i}-{c},arm-{i},60,{draw(rate)},{draw(rate * (1 - effect * (i > 0)))}")
    return text, "\n".join(rows) + "\n"


def run(*args, **kwargs):
    done = subprocess.run(args, capture_output=True, **kwargs)
    if done.returncode:
        sys.exit(f"{args}: {done.returncode}\n{done.stdout.decode()}\n{done.stderr.decode()}")
    return done.stdout


def pages(pdf):
    info = run("pdfinfo", pdf).decode()
    return int(next(l for l in info.splitlines() if l.startswith("Pages:")).split()[1])


def inert(pdf):
    assert not run("pdfinfo", "-js", pdf).strip(), f"{pdf} holds a script"
    urls = run("pdfinfo", "-url", pdf).decode().splitlines()[1:]
    assert not urls, f"{pdf} holds links: {urls}"
    raw = pathlib.Path(pdf).read_bytes()
    for action in (b"/Launch", b"/SubmitForm", b"/EmbeddedFile", b"/OpenAction"):
        assert action not in raw, f"{pdf}: {action}"


# Points of the footer, by which the height of a word's box tells the size of its letters; and the least
# that can be read in print. Every word of a page of one font is measured, those of its charts too.
FOOTER = 7.5
SMALLEST = 6.0


def readable(pdf):
    boxes = run("pdftotext", "-bbox", pdf, "-").decode()
    words = re.findall(r'yMin="([\d.]+)" xMax="[\d.]+" yMax="([\d.]+)">([^<]*)<', boxes)
    heights = [(float(b) - float(a), text) for a, b, text in words]
    footer = next(h for h, text in reversed(heights) if text.startswith("0.1."))
    height, text = min(h for h in heights if h[1].strip())
    size = height / footer * FOOTER
    assert size >= SMALLEST - 0.05, f"{pdf}: {text!r} is {size:.1f} points"


def look(pdf, name):
    if KEEP:
        KEEP.mkdir(parents=True, exist_ok=True)
        run("pdftoppm", "-r", "80", "-png", pdf, str(KEEP / name))


def check(folder, words, arms, effect):
    name = f"{words}-{arms}-{int(effect * 100)}"
    root = pathlib.Path(folder) / name
    (root / "experiments").mkdir(parents=True)
    (root / "pilot.toml").touch()
    text, data = plan(name, words, arms, effect)
    (root / "experiments" / f"{name}.toml").write_text(text, encoding="utf-8")
    (root / "data.csv").write_text(data, encoding="utf-8")
    run(PILOT, "approve", name, "--role", "finance", "--by", "Ada Lovelace", cwd=root)
    run(PILOT, "analyze", name, cwd=root)
    sheet = root / "reports" / name / "sign-off.pdf"
    page = root / "experiments" / name / "approved" / "0001.pdf"
    assert pages(sheet) == 2, f"{name}: {pages(sheet)} pages"
    assert pages(page) == 1, f"{name}: the plan has {pages(page)} pages"
    first = sheet.read_bytes()
    run(PILOT, "report", name, cwd=root)
    assert sheet.read_bytes() == first, f"{name}: rendered again, the bytes differ"
    for pdf in (sheet, page):
        inert(pdf)
        assert str(root).encode() not in pdf.read_bytes(), f"{pdf} names its folder"
    words_on = run("pdftotext", "-layout", sheet, "-").decode()
    for wanted in ("What was asked", "What it is worth", "Seal of approval", "Name, date, signature"):
        assert wanted in words_on, f"{name}: no {wanted!r}"
    if words != "hostile":
        assert "\\u{" not in words_on, f"{name}: a mark is written out\n{words_on}"
    if words == "hostile":
        assert "#panic()" in words_on and '#read("../secret")' in words_on, words_on
    if words == "english":
        readable(sheet)
        # However many assumptions are left out, what the arm to be decided on costs is not.
        analysis = json.loads((root / "reports" / name / "analysis.json").read_text(encoding="utf-8"))
        arm = analysis["decision"]["arm"]
        assert arm is None or f"arms.{arm}.fixed_cost" in words_on.replace("\u200b", ""), f"{name}: no costs of {arm}"
    look(sheet, name)
    look(page, name + "-plan")
    print(f"{name}: ok")


with tempfile.TemporaryDirectory() as folder:
    for words, arms, effect in (
        ("english", 2, 0.4), ("english", 4, 0.0), ("english", 8, 0.95), ("persian", 4, 0.4),
        ("chinese", 8, 0.4), ("hostile", 8, 0.4), ("hostile", 2, 0.0),
    ):
        check(folder, words, arms, effect)
