"use strict";
/* Asks the gateway how it is and shows it. Whatever came from outside is set as text, never as HTML. */

const EVERY_MS = 2000;
const MOST_MS = 30000;

const lang = document.documentElement.lang;
const words = {};
const word = name => words[name] ?? name;
const at = id => document.getElementById(id);

/* ── Words and figures ── */

const UNITS = [["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]];
const numbers = new Intl.NumberFormat(lang);
const ago = new Intl.RelativeTimeFormat(lang, {numeric: "always", style: "short"});
const clockTime = new Intl.DateTimeFormat(lang, {dateStyle: "medium", timeStyle: "medium"});

function parted(seconds) {
  const [unit, size] = UNITS.find(([, size]) => seconds >= 2 * size) ?? UNITS.at(-1);
  return [Math.floor(seconds / size), unit];
}

function lasting(moment) {
  const [count, unit] = parted(moment.age_s);
  return new Intl.NumberFormat(lang, {style: "unit", unit, unitDisplay: "long"}).format(count);
}

function past(moment) {
  const [count, unit] = parted(moment.age_s);
  return ago.format(-count, unit);
}

function size(bytes) {
  const [unit, factor] = bytes >= 1e9 ? ["GB", 1e9] : bytes >= 1e6 ? ["MB", 1e6] : ["kB", 1e3];
  const value = bytes / factor;
  return `${value.toLocaleString(lang, {maximumFractionDigits: value < 10 ? 1 : 0})} ${unit}`;
}

/* ── Making nodes ── */

function node(tag, text = "", properties = {}, ...children) {
  const made = document.createElement(tag);
  made.textContent = text;
  for (const [name, value] of Object.entries(properties)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

/* What the gateway says itself is in English. */
const said = (tag, text, properties = {}) => node(tag, text, {lang: "en", ...properties});

function list(id, rows) {
  const nodes = rows.filter(row => row && row[1] !== null && row[1] !== undefined);
  at(id).replaceChildren(...nodes.flatMap(([name, value, share]) => {
    const told = value instanceof Node ? node("dd", "", {}, value) : node("dd", value);
    const made = [node("dt", word(name)), told];
    if (share !== undefined)
      made.push(node("meter", "", {
        min: 0, max: 1, high: 0.9, optimum: 0, value: share, "aria-label": word(name),
      }));
    return made;
  }));
}

/* ── The parts of the page ── */

function showVerdict(told) {
  const level = told.healthy ? (told.findings.length ? "warning" : "good") : "fault";
  const verdict = {good: "all-well", warning: "with-warnings", fault: "unhealthy"}[level];
  say(level, word(verdict));
  at("updated").textContent = `${word("updated")} ${clockTime.format(new Date())}`;
  at("findings").replaceChildren(...told.findings.map(finding));
}

function finding({level, code, subject, detail}) {
  const [sentence, advice] = words.findings[code] ?? [code, ""];
  const head = node("b", [subject, sentence].filter(Boolean).join(lang === "zh" ? ":" : " "));
  const parts = [node("span", `${word(level)} · `, {class: "quiet"}), head];
  if (detail) parts.push(said("span", detail, {class: "detail"}));
  if (advice) parts.push(node("span", advice, {class: "advice"}));
  return node("li", "", {"data-level": level}, ...parts);
}

function device([name, told]) {
  const state = told.state ?? "unheard";
  const lane = told.lane ? ` · ${word("lane")} ${told.lane}` : "";
  const parts = [
    node("div", "", {class: "head"},
      node("span", name, {class: "name", translate: "no"}),
      node("span", word(state), {class: "pill", "data-state": state})),
    node("div", `${told.driver}${lane}`, {class: "quiet", translate: "no"}),
    node("div", reading(told.last), {class: "reading"}),
  ];
  if (told.reason) parts.push(said("div", told.reason, {class: "reason"}));
  const ambient = told.last?.ambient_celsius ?? null;
  const beside = [
    ambient !== null && `${word("surroundings")} ${ambient.toFixed(1)} °C`,
    told.since && `${word(state)} ${word("state-for")} ${lasting(told.since)}`,
  ];
  const counted = Object.entries(told.counted).map(([what, times]) => `${word(what)} ${times}`);
  for (const line of [beside.filter(Boolean), counted])
    if (line.length) parts.push(node("div", line.join(" · "), {class: "quiet"}));
  return node("li", "", {"data-device": name}, ...parts);
}

function reading(last) {
  if (!last) return `${word("last-reading")}: ${word("nothing-read")}`;
  const what = [word(last.kind), last.door, last.position && word(last.position)];
  return `${what.filter(Boolean).join(" ")} · ${past(last.at)}`;
}

function showDevices(devices) {
  const shown = Object.entries(devices).map(device);
  at("device-list").replaceChildren(...(shown.length ? shown : [node("li", word("no-devices"))]));
}

function showLink(link) {
  const state = link.online ? "online" : "offline";
  const refused = Object.entries(link.refused).map(([code, times]) => `${code}: ${times}`);
  at("link-state").textContent = word(state);
  at("link-state").dataset.state = state;
  at("link-reason").textContent = link.online ? "" : link.reason ?? "";
  list("link", [
    [`${word(state)} ${word("state-for")}`, link.since && lasting(link.since)],
    ["last-confirmed", link.last_confirmed ? past(link.last_confirmed) : word("not-yet")],
    refused.length && ["refused", refused.join(", ")],
    link.set_aside && ["set-aside", numbers.format(link.set_aside)],
  ]);
}

function showJournal(journal) {
  const taken = journal.taken_bytes;
  const room = taken && `${size(taken)} ${word("of")} ${size(journal.most_bytes)}`;
  list("journal", [
    ["recorded", numbers.format(journal.recorded)],
    ["confirmed", numbers.format(journal.confirmed)],
    ["waiting", journal.waiting ? numbers.format(journal.waiting) : word("none-waiting")],
    journal.oldest_waiting && ["oldest", past(journal.oldest_waiting)],
    journal.held && ["held", numbers.format(journal.held)],
    journal.carried && ["carried", numbers.format(journal.carried)],
    taken && ["on-disk", room, taken / journal.most_bytes],
    journal.left_bytes !== null && ["left", size(journal.left_bytes)],
    ["check", said("span", journal.check)],
  ]);
}

function showBox(box) {
  const told = (value, form) => (value === null ? null : form(value));
  const power = box.undervoltage === null ? null
    : word(box.undervoltage ? "power-weak" : box.undervoltage_since_boot ? "power-was-weak" : "power-good");
  const rows = [
    ["celsius", told(box.celsius, value => `${value.toFixed(0)} °C`)],
    ["memory", told(box.memory_available_bytes, free => `${size(free)} ${word("of")} ${size(box.memory_bytes)}`)],
    ["load", told(box.load, value => value.toFixed(2))],
    ["power", power],
    ["wear", told(box.disk_worn_percent, value => `${value} %`)],
    ["written", told(box.disk_written_bytes, size)],
  ];
  list("box", rows.map(([name, value]) => [name, value ?? node("span", word("untold"), {class: "quiet"})]));
}

function showClock(clock) {
  const shown = time => time && clockTime.format(new Date(time));
  list("clock", [
    ["time", shown(clock.time)],
    ["quality", word(clock.quality)],
    ["floor", shown(clock.floor)],
    ["booted", clock.booted && past(clock.booted)],
  ]);
}

function showVersions(seen) {
  list("versions", [
    ["software", seen.versions.software],
    ["contract", seen.versions.contract],
    ["configuration", seen.configuration.version],
    ["epoch", seen.epoch],
    ["started", seen.process.started && past(seen.process.started)],
    ["process-memory", seen.process.memory_bytes && size(seen.process.memory_bytes)],
  ]);
}

/* ── Asking ── */

function say(level, sentence) {
  at("verdict").dataset.level = level;
  if (at("verdict-words").textContent !== sentence) at("verdict-words").textContent = sentence;
  document.title = `${sentence} · ${at("gateway").textContent || word("title")}`;
}

function show(told) {
  const seen = told.health;
  document.body.classList.remove("stale");
  at("gateway").textContent = seen.gateway;
  showVerdict(told);
  showDevices(seen.devices);
  showLink(seen.link);
  showJournal(seen.journal);
  showBox(seen.box);
  showClock(seen.clock);
  showVersions(seen);
}

function lose() {
  document.body.classList.add("stale");
  say("fault", word("no-gateway"));
  at("findings").replaceChildren(node("li", word("no-gateway-advice"), {"data-level": "fault"}));
}

async function fetched(path) {
  const answer = await fetch(path, {signal: AbortSignal.timeout(5000)});
  if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
  return answer.json();
}

const pause = ms => new Promise(done => setTimeout(done, ms));
const inSight = () => document.hidden
  ? new Promise(done => document.addEventListener("visibilitychange", done, {once: true}))
  : null;

async function ask() {
  for (let wait = EVERY_MS; ; await pause(wait)) {
    await inSight();
    let told = null;
    try {
      told = await fetched("status.json");
    } catch {
      lose();
      wait = Math.min(MOST_MS, wait * 1.5);
    }
    if (told) {
      show(told);
      wait = EVERY_MS;
    }
  }
}

async function start() {
  Object.assign(words, (await fetched("words.json"))[lang]);
  for (const each of document.querySelectorAll("[data-word]"))
    each.textContent = word(each.dataset.word);
  document.querySelector(`nav a[hreflang=${lang}]`).setAttribute("aria-current", "true");
  say("none", word("loading"));
  await ask();
}

start();
