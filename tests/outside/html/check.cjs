// report.html as a reader meets it. Usage: node check.cjs REPORT HOSTILE_REPORT MINUTES_REPORT WHAT_IF
// SHOTS=DIR writes screenshots and the printed page there.
"use strict";
const { execFileSync } = require("node:child_process");
const fs = require("node:fs");
const os = require("node:os");
const path = require("node:path");
const { pathToFileURL } = require("node:url");
const { chromium } = require("playwright-core");

const [plain, hostile, minutes, whatIf] = process.argv.slice(2);
const axeSource = fs.readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
/// What mail programs take without a question.
const LARGEST = 2_000_000;
/// The same formulas in f64 twice; pow and the normal quantile differ in their last digits.
const ROUNDING = 1e-9;

/// Lines that have to be in the table of the example, each with the model's value.
const MUST_MOVE = ["break_even_reduction", "break_even_avoided_per_day", "share_beyond_observed", "npv_share_beyond_observed",
  "payback_months", "payback_months_discounted", "staffing.hours_per_year", "staffing.full_time_agents",
  "staffing.agents.fewer_agents.agents", "staffing.agents.lower_occupancy.occupancy", "perfect_information"];

/// Lines that say so where nothing is spent.
const OF_SPENDING = ["roi", "payback_months", "payback_months_discounted", "break_even_reduction", "break_even_avoided_per_day"];

let passed = 0;
const failures = [];
function check(name, holds, detail = "") {
  if (holds) passed += 1;
  else failures.push(`${name} ${detail}`.trim());
  console.log(`${holds ? "ok  " : "FAIL"} ${name}${holds ? "" : " " + detail}`);
}

/// Where two results differ by more than rounding, as a path; null if nowhere. What only the page
/// or only the program knows is not compared.
function difference(page, model, at = "") {
  if (model === null || model === undefined) return page === null || page === undefined ? null : `${at}: ${page} for nothing`;
  if (typeof model === "number") {
    if (typeof page !== "number") return `${at}: ${page} for ${model}`;
    const most = ROUNDING * Math.max(Math.abs(page), Math.abs(model)) + 1e-12;
    return Math.abs(page - model) <= most ? null : `${at}: ${page} for ${model}`;
  }
  if (Array.isArray(model)) {
    if (!Array.isArray(page) || page.length !== model.length) return `${at}: ${page && page.length} for ${model.length} rows`;
    for (let i = 0; i < model.length; i++) {
      const found = difference(page[i], model[i], `${at}[${i}]`);
      if (found) return found;
    }
    return null;
  }
  if (typeof model === "object") {
    for (const key of Object.keys(page)) {
      const found = difference(page[key], model[key], `${at}.${key}`);
      if (found) return found;
    }
    return null;
  }
  return page === model ? null : `${at}: ${page} for ${model}`;
}

const model = (dir, changes) => JSON.parse(execFileSync(whatIf, [
  path.join(dir, "analysis.json"),
  ...Object.entries(changes).map(([key, to]) => `${key}=${to === null ? "none" : to}`),
], { maxBuffer: 1 << 28 }));

async function open(browser, dir, options = {}) {
  const file = path.join(dir, "report.html");
  const url = pathToFileURL(file).href;
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  const page = await context.newPage();
  // The page is under test, not the load of the machine.
  page.setDefaultTimeout(180_000);
  const seen = { requests: [], errors: [], dialogs: 0 };
  // Nothing but the file itself gets through, and what asks is heard.
  await context.route("**/*", (route) => (route.request().url().split("#")[0] === url ? route.continue() : route.abort()));
  page.on("request", (request) => seen.requests.push(request.url()));
  page.on("console", (message) => message.type() !== "log" && seen.errors.push(message.text()));
  page.on("pageerror", (error) => seen.errors.push(String(error)));
  page.on("dialog", (dialog) => { seen.dialogs += 1; dialog.dismiss(); });
  if (options.javaScriptEnabled !== false) {
    await page.addInitScript(() => {
      window.violations = [];
      document.addEventListener("securitypolicyviolation", (e) => window.violations.push(`${e.violatedDirective} ${e.blockedURI}`));
    });
  }
  await page.goto(url);
  return { context, page, seen, url };
}

async function quiet(name, { page, seen, url }) {
  const others = seen.requests.filter((r) => r.split("#")[0] !== url);
  check(`${name}: asks for nothing but itself`, seen.requests.length >= 1 && others.length === 0, others.join(" "));
  check(`${name}: no errors in the console`, seen.errors.length === 0, seen.errors.join(" | "));
  const violations = await page.evaluate(() => window.violations);
  check(`${name}: its security policy was never violated`, Array.isArray(violations) && violations.length === 0, String(violations));
}

async function accessible(name, page) {
  await page.evaluate(axeSource);
  const { violations, passes } = await page.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }));
  const told = (v) => `${v.id} (${v.impact}): ${v.nodes.slice(0, 3).map((n) => n.target.join(" ") + " " + n.failureSummary).join("; ")}`;
  const bad = violations.filter((v) => ["serious", "critical"].includes(v.impact));
  check(`${name}: axe finds nothing serious`, passes.length > 10 && bad.length === 0, bad.map(told).join(" | "));
  for (const v of violations.filter((v) => !bad.includes(v))) console.log(`     axe, minor: ${told(v)}`);
}

const settled = (page) => page.waitForFunction(() => document.getElementById("results").getAttribute("aria-busy") === "false");

/// The table as numbers, by line and arm; a line of all arms has one cell.
const table = (page) => page.$$eval("#numbers tbody tr", (rows) => rows.map((row) => ({
  line: row.dataset.line, all: row.dataset.caseLine, kind: row.dataset.kind,
  cells: Array.from(row.querySelectorAll("td"), (cell) => {
    const value = cell.querySelector("data, span[data-lower]");
    if (!value) return cell.textContent.trim() === "nothing is spent" ? { free: true } : null;
    const end = (name) => (value.dataset[name] === undefined ? null : Number(value.dataset[name]));
    const number = value.getAttribute("value");
    return { value: number === null ? null : Number(number), lower: end("lower"), upper: end("upper"), text: cell.textContent };
  }),
})));

/// What the model says of a cell, as the table shows it; null for nothing.
function modelled(want, row, k) {
  const at = (path) => path.split(".").reduce((v, part) => (v == null ? null : v[part]), want.arms[k]);
  const alone = (value) => (value == null ? null : { value, lower: null, upper: null });
  if (row.all) return alone(want.choice[row.all] && want.choice[row.all].value);
  if (row.kind === "month") {
    const { lower, upper } = at(row.line + "_interval");
    return at(row.line) === null && lower === null ? null : { value: at(row.line), lower, upper };
  }
  const line = at(row.line);
  return typeof line === "number" ? alone(line) : line;
}

/// Sets a number in its field, in the unit that the page shows.
async function set(page, key, to) {
  const box = page.locator(`.slider[data-key="${key}"]`);
  const never = box.locator("input[type=checkbox]");
  if (to === null) return never.check();
  if (await never.count()) await never.uncheck();
  const scale = await box.locator(".unit").textContent().then((unit) => (unit.startsWith("%") ? 100 : 1));
  const field = box.locator("input[type=number]");
  await field.fill(String(Number((to * scale).toPrecision(12))));
  await field.blur();
}

/// Lines that had a number of the model's at least once.
const moved = new Set();

/// Sets the numbers and compares everything that the page then shows with the model.
async function changed(page, dir, changes, what) {
  const name = `${what}what if ${Object.keys(changes).join(", ")}`;
  for (const [key, to] of Object.entries(changes)) await set(page, key, to);
  await settled(page);
  const want = model(dir, changes);
  const got = await table(page);
  let compared = 0, wrong = null;
  for (const row of got) {
    row.cells.forEach((cell, k) => {
      const { text, ...numbers } = cell || {};
      compared += 1;
      // Where nothing is spent, lines of what the spending brings say so, and no others do.
      const free = row.line !== undefined && OF_SPENDING.includes(row.line) && want.arms[k].pv_spend.value === 0;
      if (free !== Boolean(cell && cell.free)) wrong = wrong || `${row.line} of arm ${k} and nothing spent`;
      if (free || (cell && cell.free)) return;
      wrong = wrong || difference(cell && numbers, modelled(want, row, k), `${row.line || row.all} of arm ${k}`);
      // What is shown stands in the page's own words: an interval wherever the model has one.
      const { lower, upper, value } = cell || {};
      const spread = lower != null && (upper == null || upper !== lower || lower !== value);
      if (spread && !/\(.+\)/.test(text)) wrong = wrong || `${row.line} of arm ${k} shows no interval: ${text}`;
    });
  }
  for (const { line, all, cells } of got) {
    if (cells.some((cell) => cell !== null)) moved.add(line || all);
  }
  check(`${name}: the table shows the model's values and intervals`, compared > 30 && wrong === null, wrong || `${compared} cells`);
  const whole = await page.evaluate((changes) => {
    const data = JSON.parse(document.getElementById("case-data").textContent);
    return pilotCase.run(pilotCase.open(data), changes);
  }, changes);
  const { cashflow, ...rest } = whole;
  check(`${name}: all arms, the tornado and the choice of arm are the model's`, difference(rest, want) === null, difference(rest, want));
  const months = want.cashflow.length / want.arms.length;
  const fans = want.arms.map((_, k) => want.cashflow.slice(k * months, (k + 1) * months));
  check(`${name}: the fan of cash is the model's`, difference(cashflow, fans) === null, difference(cashflow, fans));
  check(`${name}: the badge is there`, await page.locator("#what-if-badge").isVisible());
  const live = await page.locator("figure .live svg").count();
  check(`${name}: the charts of the money are drawn anew`, live === 3, `${live} charts`);
}

/// Where minutes have the price: the same sums from another effect and another rate.
async function ofMinutes(browser) {
  const { context, page } = await open(browser, minutes);
  await changed(page, minutes, { realisation: 0.4, churn_per_month: 0.02, "staffing.occupancy": 0.75 }, "in minutes, ");
  const want = model(minutes, { realisation: 0.4 });
  check("in minutes: handling time is measured", want.priced === "minutes" && want.arms[0].staffing.agents !== null);
  await context.close();
}

async function sliders(browser) {
  const it = await open(browser, plain);
  const { page, seen } = it;
  const before = await page.locator("#results").innerText();
  const rich = { ...model(plain, {}) };
  check("the model redoes the plan's own case", rich.arms.length >= 1);
  const arm = rich.arms[rich.arms.length - 1].arm;
  const keys = await page.$$eval(".slider[data-key]", (all) => Object.fromEntries(all.map((s) => [s.dataset.key, true])));
  const one = [{ realisation: 0.65 }, { half_life_months: 4 }, { [`arms.${arm}.cost_per_customer`]: 0.31 }, { churn_per_month: 0.03 }];
  const together = Object.assign({ horizon_months: 30, annual_discount_rate: 0.12, ramp_months: 6 }, ...one);
  // The winner becomes so dear that another arm is picked, and corrected; nothing pays any more; the agents.
  const dear = { [`arms.${rich.best}.fixed_cost`]: 900000 };
  const late = { realisation_lag_months: 40, realisation: 0.2, [`arms.${arm}.cost_per_customer`]: 3 };
  const agents = { "staffing.occupancy": 0.7, "staffing.shrinkage": 0.2, "staffing.contacts_per_interval": 900, units_at_rollout: 300000 };
  const never = { half_life_months: null, units_at_rollout: 250000, repeat_every_months: 9, holdout: 0.1 };
  // Nothing is spent, so there is nothing to pay back.
  const costs = ["fixed_cost", "cost_per_customer", "running_cost_per_month"].map((cost) => `arms.${arm}.${cost}`);
  const free = Object.fromEntries(costs.filter((key) => key in keys).map((key) => [key, 0]));
  for (const changes of [...one, together, never, dear, late, agents, free]) {
    await changed(page, plain, changes, "");
    if (changes === free) {
      const notes = await page.locator("figure .live svg text").allTextContents();
      check("an arm without cost: nothing is spent, no month of payback", notes.includes("nothing is spent"), notes.join("|").slice(0, 400));
    }
    if (changes === dear) {
      const want = model(plain, changes), cost = (of) => of.arms.find((a) => a.arm === rich.best).npv.value;
      check("a dear winner: another arm is picked and the correction goes with it",
        want.best !== rich.best && want.arms.some((a) => a.as_estimated && a.arm === want.best) && cost(want) < cost(rich));
    }
    if (changes === together) {
      await accessible("what if", page);
      await shots(page, "what-if");
    }
    await page.locator("#reset-all").click();
    await settled(page);
  }
  check("reset shows the report's own numbers again", (await page.locator("#results").innerText()).replace(/\s+/g, " ").startsWith(before.replace(/\s+/g, " ").trim()));
  check("reset takes the badge away", !(await page.locator("#what-if-badge").isVisible()));

  await set(page, "realisation", 7);
  check("an impossible number is refused in words", (await page.locator('.slider[data-key="realisation"] .wrong').textContent()).length > 5
    && !(await page.locator("#what-if-badge").isVisible()));

  await keyboard(page);
  await quiet("report", it);
  check("no dialog opened", seen.dialogs === 0);
  await it.context.close();
}

async function keyboard(page) {
  await page.reload();
  const focused = () => page.evaluate(() => ({ type: document.activeElement.type, id: document.activeElement.id, class: document.activeElement.className }));
  let at = {};
  for (let i = 0; i < 60 && at.type !== "range"; i++) {
    await page.keyboard.press("Tab");
    at = await focused();
  }
  check("Tab reaches a slider", at.type === "range", JSON.stringify(at));
  const number = page.locator(`[id="${at.id}n"]`);
  const first = await number.inputValue();
  const npv = () => page.locator('#numbers tr[data-line="pv_savings"] td').first().innerText();
  const was = await npv();
  for (let i = 0; i < 5; i++) await page.keyboard.press("ArrowRight");
  await settled(page);
  const second = await number.inputValue();
  check("arrow keys change the number", Number(second) !== Number(first), `${first} ${second}`);
  check("and the money with it", (await npv()) !== was);
  for (let i = 0; i < 4 && at.class !== "reset"; i++) {
    await page.keyboard.press("Tab");
    at = await focused();
  }
  check("Tab reaches the reset of the slider", at.class === "reset", JSON.stringify(at));
  await page.keyboard.press("Enter");
  await settled(page);
  check("Enter resets it", (await number.inputValue()) === first && (await npv()) === was);
  check("and leaves the focus on the slider", (await focused()).type === "range");
}

/// Whether one needs to scroll sideways to read a chart on a telephone, and how large its letters are there.
async function telephone(browser) {
  const it = await open(browser, plain, { viewport: { width: 375, height: 800 } });
  const charts = await it.page.evaluate(() => Array.from(document.querySelectorAll("figure[data-chart]"), (figure) => {
    const shown = Array.from(figure.querySelectorAll("svg")).filter((svg) => svg.getBoundingClientRect().width > 0);
    const svg = shown[0], scale = svg.getBoundingClientRect().width / svg.viewBox.baseVal.width;
    const texts = Array.from(svg.querySelectorAll("text"));
    return {
      name: figure.dataset.chart, shown: shown.length,
      right: Math.max(...texts.map((t) => t.getBoundingClientRect().right)),
      smallest: Math.min(...texts.map((t) => parseFloat(t.getAttribute("font-size")))) * scale,
      noEffect: texts.some((t) => t.textContent === "no effect"),
    };
  }));
  check("a telephone shows each chart once", charts.length >= 5 && charts.every((c) => c.shown === 1), JSON.stringify(charts));
  check("no label of a chart is beside the screen", charts.every((c) => c.right <= 376), JSON.stringify(charts));
  check("letters of charts are no smaller than 9.5 pixels", charts.every((c) => c.smallest >= 9.5), JSON.stringify(charts));
  check("the line of no effect is on the screen", charts.find((c) => c.name === "effect").noEffect);
  const wide = await it.page.evaluate(() => document.documentElement.scrollWidth);
  check("the page itself does not scroll sideways", wide <= 375, String(wide));
  for (const width of [768, 1280]) {
    await it.page.setViewportSize({ width, height: 800 });
    const widths = await it.page.$$eval("figure[data-chart] svg", (all) => all.filter((s) => s.getBoundingClientRect().width > 0).map((s) => s.viewBox.baseVal.width));
    check(`at ${width} pixels the wide charts are shown`, widths.length === charts.length && widths.every((w) => w > 700), widths.join(" "));
  }
  await it.page.emulateMedia({ media: "print" });
  await it.page.setViewportSize({ width: 375, height: 800 });
  const printed = await it.page.$$eval("figure[data-chart] svg", (all) => all.filter((s) => s.getBoundingClientRect().width > 0).map((s) => s.viewBox.baseVal.width));
  check("and on paper, whatever the screen", printed.length === charts.length && printed.every((w) => w > 700), printed.join(" "));
  await quiet("telephone", it);
  await it.context.close();
}

async function shots(page, name) {
  const dir = process.env.SHOTS;
  if (!dir) return;
  for (const width of [1280, 800, 390]) {
    await page.setViewportSize({ width, height: 900 });
    await page.screenshot({ path: path.join(dir, `${name}-${width}.png`), fullPage: true });
  }
  await page.setViewportSize({ width: 1280, height: 900 });
  await page.pdf({ path: path.join(dir, `${name}.pdf`), preferCSSPageSize: true, format: "A4" });
}

async function main() {
  const profile = fs.mkdtempSync(path.join(os.tmpdir(), "report-html-"));
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM || "/usr/bin/chromium",
    headless: true,
    args: ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update",
      "--disable-sync", "--no-first-run", "--disable-extensions", `--disk-cache-dir=${profile}`],
  });
  try {
    for (const [name, dir] of [["report", plain], ["hostile report", hostile]]) {
      const bytes = fs.readFileSync(path.join(dir, "report.html"));
      check(`${name}: under 2 MB`, bytes.length > 10_000 && bytes.length < LARGEST, `${bytes.length} bytes`);
      const addresses = bytes.toString("utf8").replaceAll('xmlns="http://www.w3.org/2000/svg"', "").replaceAll('"http://www.w3.org/2000/svg"', "").match(/https?:\/\//g);
      check(`${name}: no address of the network`, addresses === null, String(addresses));
      const it = await open(browser, dir);
      await accessible(name, it.page);
      await shots(it.page, name.split(" ")[0]);
      const scripts = await it.page.$$eval("script", (all) => all.length);
      const foreign = await it.page.$$eval("img, iframe, object, embed, link, form, base, [onerror], [onload], a", (all) => all.length);
      const pwned = await it.page.evaluate(() => window.pwned);
      check(`${name}: two scripts of its own, nothing foreign`, scripts === 2 && foreign === 0 && pwned === undefined, `${scripts} ${foreign} ${pwned}`);
      check(`${name}: has sliders`, (await it.page.locator("#sliders input[type=range]").count()) > 10);
      await quiet(name, it);
      await it.context.close();
    }
    const still = await open(browser, plain, { javaScriptEnabled: false });
    check("without JavaScript: no sliders", (await still.page.locator("input").count()) === 0 && !(await still.page.locator("#sliders").isVisible()));
    check("without JavaScript: decision, numbers and charts are there",
      (await still.page.locator(".decision").isVisible()) && (await still.page.locator("#numbers tr").count()) > 10
      && (await still.page.locator("figure svg").count()) >= 5);
    await still.context.close();
    await telephone(browser);
    await sliders(browser);
    await ofMinutes(browser);
    const missed = MUST_MOVE.filter((line) => !moved.has(line));
    check("break-even, payback, shares, agents and information all moved", missed.length === 0, missed.join(", "));
  } finally {
    await browser.close();
    fs.rmSync(profile, { recursive: true, force: true });
  }
}

main().catch((error) => failures.push(String(error && error.stack))).finally(() => {
  for (const failure of failures) console.error(`failed: ${failure}`);
  console.log(`${passed} passed, ${failures.length} failed`);
  process.exitCode = failures.length ? 1 : 0;
});
