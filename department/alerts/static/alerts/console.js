// Receives hits, sounds until they are taken, and never lets silence look like quiet.
"use strict";
const DEAF_MS = 7000, AGAIN_MS = 1000, SOUND_MS = 4000, WARN_MS = 300000, STAY_MS = 300000, LOAD_MS = 5000;
const PARTS = ["facts", "compare", "steps", "done", "hit-name"], TEST_MS = 10000;
const ROWS = 30, BATCH = 20, REPEATS = 40;
const page = document.getElementById("console");
const at = (id) => document.getElementById(id);
const token = page.querySelector("input[name=csrfmiddlewaretoken]").value;
const icon = document.querySelector("link[rel=icon]");
const name = document.title;
const words = JSON.parse(at("words").textContent);  // in the page's language
const text = (key, given = {}) => words[key].replace(/\{(\w+)\}/g, (_, each) => given[each]);
globalThis.words = text;  // of pictures.js, too
const hits = new Map();  // by record; in the order of their coming
const vehicles = new Map();  // by the first hit of a vehicle, the records of all of its hits that are open
const rows = new Map();  // of the queue, by record
const drawn = new WeakMap();  // by row, the hit as it shows it; by canvas of a repeat, the picture
const { pictures, comparing } = globalThis;
const asked = new Map();  // by record, when it was asked for
let last = "", current = null, due = false, ahead = 0, liveness = null, ended = "", complete = false;
let beat = null, beatAt = Date.now(), received = null, deafSince = null;  // server's time of the last beat, ours, and of the last one with hits
let session = null, stayedAt = Date.now(), length = ROWS, taking = [], news = [];

// --- the stream, read by hand: so a refusal is told from a loss, and the session is not kept alive by it
async function listen() {
  for (;;) {
    const headers = { Accept: "text/event-stream", "Platepost-Refresh": "1", "Last-Event-ID": last };
    // A connection that died in a sleep, or on the way, says nothing of it for minutes.
    const giveUp = new AbortController(), began = Date.now();
    const watch = setInterval(() => { if (Date.now() - Math.max(began, beatAt) > 2 * DEAF_MS) giveUp.abort(); }, AGAIN_MS);
    try {
      const answer = await fetch(page.dataset.events, { headers, cache: "no-store", signal: giveUp.signal });
      if (answer.redirected || answer.status === 403) return end(text("logged_out"));
      if (!answer.ok) throw new Error(answer.status);
      await read(answer.body.pipeThrough(new TextDecoderStream()).getReader());
    } catch { /* lost: it is asked again, and showStatus() says so */ } finally { clearInterval(watch); }
    if (ended) return showStatus();
    showStatus();
    await new Promise((again) => setTimeout(again, AGAIN_MS));
  }
}

async function read(reader) {
  let text = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    text += value;
    let changed = false;
    for (let end; (end = text.indexOf("\n\n")) >= 0; text = text.slice(end + 2)) changed = take(text.slice(0, end)) || changed;
    if (changed) list(); else showStatus();
  }
}

function take(event) {
  const message = Object.fromEntries(event.split("\n").map((line) => [line.split(": ", 1)[0], line.slice(line.indexOf(": ") + 2)]));
  const data = JSON.parse(message.data);
  if (message.event === "heard") {
    hear(data);
  } else if (message.event === "session") {
    session = data;
  } else if (message.event === "test") {
    testArrived(data);
  } else if (message.event === "ended") {
    if (data.why) end(data.why);
  } else if (message.event === "complete") {
    const open = data.open && new Set(data.open);
    if (open) for (const record of hits.keys()) if (!open.has(record)) drop(record);
    complete = true;
  } else if (message.event === "rows") {
    // What is known of a hit beyond its row stays.
    for (const row of data.rows) {
      const { plate, place, category } = hits.get(row.record) ?? row;
      updateHit({ ...row, plate, place, category });
    }
  } else if (message.event === "hit" || hits.has(data.record)) {
    updateHit(data);
  }
  if (message.id) last = message.id;
  return !["heard", "session", "test"].includes(message.event);
}

// A beat of the server. Silence is told in the server's time, and never as shorter than it was: what a browser that slept
// finds in its buffers is as old as the sleep.
function hear(data) {
  const sent = new Date(data.at), gap = Date.now() - beatAt;
  const now = new Date(Math.max(sent, Number(beat ?? beatAt) + gap));
  if (beat && gap > DEAF_MS) deafSince ??= received ?? beat;
  beat = sent;
  beatAt = Date.now();
  ahead = sent - beatAt;
  liveness = data;
  if (data.nothing) return;
  if (deafSince !== null) say(text("was_deaf", { since: clock(deafSince), until: clock(now) }));
  deafSince = null;
  received = sent;
}

function end(why) {
  ended = why;
  clear();
}

// --- hits
function updateHit(data) {
  const former = hits.get(data.record), now = { ...former, ...data };
  if (former && former.revision !== now.revision && data.steps === undefined) delete now.steps;  // of another state
  hits.set(data.record, now);
  if (!vehicles.has(now.root)) vehicles.set(now.root, new Set());
  vehicles.get(now.root).add(now.record);
  if (!former && now.state === "new" && !kin(now).some((each) => inHand(each) || !each.late)) news.push(now);
  if (gone(now) && !(former && gone(former)) && !kin(now).length) takenBack(now);
  if (current === data.record) {
    if (former && former.facts === now.facts && now.facts) steps(now); else show(data.record);
  } else if (current === null || (!hits.get(current)?.open && data.state === "new")) {
    due = true;  // to show the first of the queue
  }
  if (!now.open) drop(data.record);
}

function drop(record) {
  const { root } = hits.get(record) ?? {};
  hits.delete(record);
  vehicles.get(root)?.delete(record);
  if (!vehicles.get(root)?.size) vehicles.delete(root);
}

// Whole hits, of which the stream has sent only how they stand: at most BATCH at a time, under one entry in the ledger.
async function load(records) {
  const lacking = records.filter((record) => {
    const hit = hits.get(record);
    return hit && (hit.facts === undefined || hit.steps === undefined) && Date.now() - (asked.get(record) ?? 0) > LOAD_MS;
  }).slice(0, BATCH);
  if (!lacking.length || ended) return;
  for (const record of lacking) asked.set(record, Date.now());
  const body = new URLSearchParams({ records: lacking.join() });
  try {
    const answer = await fetch(page.dataset.hits, { method: "POST", body, headers: { "X-CSRFToken": token, "Platepost-Refresh": "1" } });
    if (!answer.ok) return;
    for (const hit of (await answer.json()).hits) {
      const former = hits.get(hit.record);
      if (former && former.revision <= hit.revision) updateHit({ facts: "", ...hit });
    }
    for (const record of lacking) asked.delete(record);
    list();
  } catch { /* lost: it is asked again when it is drawn again */ }
}

function show(record) {
  const hit = hits.get(record), article = at("hit");
  if (current !== record) {
    // What somebody has begun on one hit must not go on with another.
    comparing.stop();
    if (article.contains(document.activeElement)) article.focus({ preventScroll: true });
    for (const id of PARTS) at(id).replaceChildren();
    delete article.dataset.state;
    delete article.dataset.eye;
  }
  current = record;
  article.hidden = false;
  redraw(at("facts"), hit.facts || `<p class='bad'>${text(hit.facts === undefined ? "loading" : "unreadable")}</p>`);
  redraw(at("compare"), hit.compare ?? "");
  pictures.show(hit.pictures ?? null);
  steps(hit);
}

function steps(hit) {
  const article = at("hit"), focused = article.contains(document.activeElement) ? document.activeElement : null;
  const before = `${article.dataset.state} ${article.dataset.eye ?? ""}`;
  article.dataset.state = hit.state;
  article.dataset.revision = hit.revision;
  const theirs = hit.holder && hit.holder !== page.dataset.me;
  article.classList.toggle("theirs", theirs);
  // The person who compared first is not asked to be the second, and nobody compares in another's place.
  const asked = hit.eye === "second" ? (hit.eye_by === page.dataset.me ? "" : "second") : theirs ? "" : hit.eye;
  const other = (article.dataset.eye ?? "") !== asked;
  if (asked) article.dataset.eye = asked; else delete article.dataset.eye;
  redraw(at("hit-name"), parts(hit).filter((each) => each.className !== "stands"));
  redraw(at("steps"), hit.steps ?? "");
  redraw(at("done"), hit.done ?? "");
  at("cad").hidden = !hit.line;
  set(at("line"), `${hit.line ?? ""}, ${hit.verified}`);
  const eye = at("compare").querySelector(".eye");
  if (eye) {
    if (other) eye.reset();
    eye.elements.step.value = asked;
    eye.elements.revision.value = hit.revision;
  }
  // To what comes next, if this is another thing now; but whoever is on something that stays goes on with it.
  const onward = focused === article ? before !== `${hit.state} ${asked}` : !focused?.offsetParent;
  const choice = (asked && eye ? eye : at("steps")).querySelector("form > fieldset input[type=radio], .compared input[type=radio]");
  if (focused && onward) (choice?.offsetParent ? choice : article).focus({ preventScroll: true });
}

const named = (category) => category.replaceAll("_", " ");

function parts(hit) {
  const part = (text, kind = "") => Object.assign(document.createElement("span"), { textContent: text, className: kind });
  const age = part("", "age");
  age.dataset.captured = hit.captured;
  const stands = part([hit.status, hit.holder, hit.decided].filter(Boolean).join(" · "), "stands");
  return [part(text("priority", hit), "priority"), part(named(hit.category), "category"), part(hit.plate || "…", "plate"), part(hit.place, "place"), stands, age];
}

// Hits of one vehicle by one entry; those that were withdrawn are apart. Somebody who has one of them in hand has been alarmed.
const gone = (hit) => hit.state === "withdrawn";
const kin = (hit) => [...(vehicles.get(hit.root) ?? [])].map((record) => hits.get(record)).filter((each) => each.record !== hit.record && gone(each) === gone(hit));
const inHand = (hit) => (gone(hit) ? hit.was !== "new" : hit.state !== "new");
// The repeats that somebody decides together with a hit: those that are shown below it.
const together = (hit) => kin(hit).filter((each) => !inHand(each)).sort(latest);
const latest = (one, other) => (one.captured < other.captured ? 1 : -1);

// One row for each vehicle, at whichever of its hits is in hand, or came first; the others are folded under it.
function heads() {
  const groups = new Map();
  for (const hit of hits.values()) {
    const key = gone(hit) ? `withdrawn ${hit.root}` : hit.root;
    if (!groups.has(key)) groups.set(key, []);
    groups.get(key).push(hit);
  }
  const entries = [];
  for (const all of groups.values()) {
    const held = all.filter(inHand), others = all.filter((each) => !inHand(each)).sort((one, other) => -latest(one, other));
    const [head, ...more] = held.length ? held : others.splice(0, 1);
    const newest = [head, ...others].reduce((time, each) => (each.arrived > time ? each.arrived : time), "");
    entries.push({ head, again: others, newest }, ...more.map((each) => ({ head: each, again: [], newest: each.arrived })));
  }
  return entries.sort((one, other) =>
    urgent(other.head) - urgent(one.head) || one.head.priority - other.head.priority || (one.newest < other.newest ? 1 : -1));
}

// Only what is on the screen is drawn, however many hits are open.
function list() {
  const all = heads(), queue = at("queue");
  taking = all.filter(({ head, again }) => head.state === "new" && [head, ...again].some((each) => !each.late)).map(({ head }) => head);
  announce();
  if (due && all.length) show(all[0].head.record);
  due = false;
  for (const record of rows.keys()) if (!hits.has(record)) rows.delete(record);
  const shown = all.slice(0, length);
  arrange(queue, shown.map(({ head }) => row(head)));
  for (const { head, again } of shown) fold(row(head), again);
  at("more").hidden = all.length <= shown.length;
  at("more").textContent = text("more", { count: all.length - shown.length });
  for (const each of queue.querySelectorAll("button")) {
    if (Number(each.dataset.record) === current) each.setAttribute("aria-current", "true"); else each.removeAttribute("aria-current");
  }
  repeats();
  age();
  showStatus();
  const present = hits.get(current);
  load([...(present ? [current, ...together(present).slice(0, REPEATS).map((each) => each.record)] : []), ...shown.map(({ head }) => head.record)]);
}

// Where the hit is beside the queue, the page stays where it is.
function attend() {
  const article = at("hit");
  article.focus({ preventScroll: true });
  if (article.getBoundingClientRect().left < at("queued").getBoundingClientRect().right) article.scrollIntoView();
}

function row(hit) {
  if (!rows.has(hit.record)) {
    const item = document.createElement("li"), button = document.createElement("button");
    button.dataset.record = hit.record;
    button.addEventListener("click", () => { show(hit.record); list(); attend(); });
    item.append(button);
    rows.set(hit.record, item);
  }
  const item = rows.get(hit.record);
  if (drawn.get(item) !== hit) {
    drawn.set(item, hit);
    item.firstChild.dataset.state = hit.state;
    redraw(item.firstChild, parts(hit));
  }
  return item;
}

// Under a row, what came of the same vehicle since: how often, where last, and how long ago.
function fold(item, again) {
  let more = item.querySelector(":scope > details");
  if (!again.length) return more?.remove();
  if (!more) {
    more = Object.assign(document.createElement("details"), { className: "again" });
    more.append(document.createElement("summary"), document.createElement("ol"));
    item.append(more);
  }
  const newest = [...again].sort(latest);
  const age = Object.assign(document.createElement("span"), { className: "age" });
  age.dataset.captured = newest[0].captured;
  redraw(more.firstChild, [new Text(`${text(again.length === 1 ? "once" : "again", { times: again.length, place: newest[0].place })} `), age]);
  arrange(more.lastChild, newest.slice(0, REPEATS).map(row));
}

// Below a hit, the pictures of its repeats: a decision answers those that are shown, and no others.
function repeats() {
  const hit = hits.get(current), again = hit ? together(hit).filter((each) => each.facts).slice(0, REPEATS) : [];
  at("repeats").hidden = !again.length;
  at("repeats-name").textContent = text(again.length === 1 ? "repeat" : "repeats", { count: again.length });
  arrange(at("repeats-list"), again.map((each) => {
    const id = `repeat-${each.record}`;
    if (at(id)) return at(id);
    const item = Object.assign(document.createElement("li"), { id }), canvas = document.createElement("canvas");
    const place = Object.assign(document.createElement("span"), { textContent: each.place });
    const age = Object.assign(document.createElement("span"), { className: "age" });
    item.dataset.record = each.record;
    age.dataset.captured = each.captured;
    canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-label", text("repeat_picture", each));
    item.append(canvas, place, age);
    paint(canvas, each.pictures?.patch ?? each.pictures?.overview);
    return item;
  }));
}

const second = (hit) => hit.state === "waiting" && hit.eye_by !== page.dataset.me;
const urgent = (hit) => hit.state === "new" || hit.state === "withdrawn" || second(hit);

async function paint(canvas, picture) {
  if (!picture) { canvas.remove(); return; }
  if (drawn.get(canvas) === picture) return;
  drawn.set(canvas, picture);
  pictures.draw(canvas, await pictures.decoded(picture));
}

function age() {
  for (const each of page.querySelectorAll("[data-captured]")) {
    const seconds = Math.max(0, Math.round((Date.now() + ahead - new Date(each.dataset.captured)) / 1000));
    const [size, unit] = seconds < 120 ? [1, "s"] : seconds < 7200 ? [60, "min"] : seconds < 172800 ? [3600, "h"] : [86400, "days"];
    each.textContent = text(unit, { count: Math.floor(seconds / size) });
  }
}

function clear() {
  hits.clear();
  vehicles.clear();
  current = null;
  at("hit").hidden = true;
  for (const id of PARTS) at(id).replaceChildren();
  pictures.show(null);
  list();
}

// --- what is to be noticed
function announce() {
  const loud = news.filter((hit) => !hit.late && hits.has(hit.record));
  news = [];
  if (!loud.length) return;
  const first = loud.reduce((one, other) => (other.priority < one.priority ? other : one));
  chime(first.priority);
  if (globalThis.Notification?.permission === "granted") {
    new Notification(text("possible", first), { tag: String(first.record), requireInteraction: true });
  }
}

function takenBack(hit) {
  const back = Object.assign(document.createElement("span"), { textContent: text("back", { ...hit, category: named(hit.category) }) });
  const button = Object.assign(document.createElement("button"), { textContent: text("show") });
  button.addEventListener("click", () => { at("back").hidden = true; if (hits.has(hit.record)) show(hit.record); list(); attend(); });
  at("back").dataset.root = hit.root;
  at("back").replaceChildren(back, button);
  at("back").hidden = false;
  fall();
  if (globalThis.Notification?.permission === "granted") new Notification(text("back_note"), { tag: String(hit.record) });
}

let audio = null;
const sounds = () => audio?.state === "running";

function tone(from, to, start, seconds, kind = "square") {
  if (!sounds()) return;
  const source = audio.createOscillator(), volume = audio.createGain(), begin = audio.currentTime + start;
  source.type = kind;
  source.frequency.setValueAtTime(from, begin);
  source.frequency.linearRampToValueAtTime(to, begin + seconds);
  volume.gain.setValueAtTime(0.25, begin);
  volume.gain.linearRampToValueAtTime(0, begin + seconds);
  source.connect(volume).connect(audio.destination);
  source.start(begin);
  source.stop(begin + seconds);
}

const shake = (pattern) => { if (navigator.userActivation?.hasBeenActive) navigator.vibrate?.(pattern); };

// The most urgent is the highest, and the most often.
function chime(priority) {
  const urgency = Math.min(Math.max(priority, 1), 3);
  shake(Array(2 * (4 - urgency) - 1).fill(200));
  for (let time = 0; time < 4 - urgency; time++) tone(1320 / urgency, 1320 / urgency, time * 0.25, 0.2);
}
const fall = () => { shake([600, 100, 600]); for (const time of [0, 0.7]) tone(900, 200, time, 0.6, "sawtooth"); };
const buzz = () => tone(110, 110, 0, 0.5, "sawtooth");

function wake() {
  audio ??= new AudioContext();
  audio.resume().then(showStatus);
}

setInterval(() => {
  if (deafSince !== null) buzz();
  if ([...hits.values()].some((hit) => hit.state === "withdrawn")) fall();
  else if (taking.length) chime(taking[0].priority);
  if (expiring()) tone(660, 440, 1, 0.5);
}, SOUND_MS);

// --- whether anything can be received
function showStatus() {
  const lost = [...(liveness?.lost ?? [])];
  const silent = Date.now() - beatAt > DEAF_MS;
  if (ended) lost.unshift(ended);
  else if (silent) lost.unshift(text("silent"));
  const nothing = Boolean(ended) || silent || Boolean(liveness?.nothing);
  if (nothing) deafSince ??= received ?? beat ?? new Date(beatAt);
  const deaf = at("deaf");
  const head = ended ? text("signed_out", { since: clock(deafSince) }) : nothing ? text("deaf_since", { since: clock(deafSince) }) : text("deaf_partly");
  deaf.hidden = lost.length === 0;
  deaf.classList.toggle("some", !nothing);
  set(deaf.firstChild, head);
  if (deaf.dataset.shown !== lost.join()) {
    deaf.dataset.shown = lost.join();
    deaf.querySelector("ul").replaceChildren(...lost.map((each) => Object.assign(document.createElement("li"), { textContent: each })));
  }
  at("sign-in").hidden = !ended;
  at("list-held").hidden = !liveness?.list_held;
  if (liveness?.list_held) set(at("list-held"), text("list_held", { since: clock(new Date(liveness.list_held)) }));
  set(at("waiting"), queued(nothing));
  at("unanswered").hidden = nothing || !liveness?.overdue;
  if (liveness?.overdue) set(at("unanswered"), text(liveness.overdue === 1 ? "unanswered_one" : "unanswered_since", { count: liveness.overdue, since: clock(new Date(liveness.overdue_since)) }));
  const [last, tested] = [liveness?.last, liveness?.tested].map((each) => each && clock(new Date(each)));
  set(at("heard"), liveness ? text("last_heard", { heard: last ?? text("never"), tested: tested ?? text("no_test") }) : text("not_heard"));
  set(at("sound"), text(sounds() ? "sound" : "no_sound"));
  at("sound").className = sounds() ? "second" : "second off";
  const left = expiring();
  at("session").hidden = !left;
  if (left) set(at("session-text"), text(session.idle ? "signing_out" : "session_over", { at: clock(new Date(session.ends)) }));
  at("stay").hidden = !session?.idle;
  const back = [...hits.values()].some((hit) => hit.state === "withdrawn");
  const title = ended ? text("title_out") : nothing ? text("title_deaf") : back ? text("title_back") : taking.length ? text("title_waiting", { waiting: taking.length }) : "";
  document.title = title ? `${title} · ${name}` : name;
  const shown = nothing ? page.dataset.deaf : back || taking.length ? page.dataset.alarm : page.dataset.icon;
  if (icon.getAttribute("href") !== shown) icon.setAttribute("href", shown);
}

const set = (element, text) => { if (element.textContent !== text) element.textContent = text; };

// "No hits" is for who receives them: not before the first have come, nor while none can come.
function queued(nothing) {
  if (ended) return text("out");
  if (!complete || liveness === null) return text("connecting");
  if (hits.size) return text(nothing ? "open_then" : "open", { open: hits.size, waiting: taking.length, at: clock(deafSince ?? new Date()) });
  return text(nothing ? "unknown" : "no_hits");
}

// --- the session: somebody at the console keeps it, and it never ends unannounced
const expiring = () => !ended && session !== null && new Date(session.ends) - Date.now() - ahead < WARN_MS;

async function stay() {
  stayedAt = Date.now();
  try {
    const answer = await fetch(page.dataset.stay, { method: "POST", headers: { "X-CSRFToken": token } });
    if (answer.ok) session = await answer.json();
  } catch { /* lost: showStatus() says so */ }
  showStatus();
}

const clock = (moment) => moment.toLocaleTimeString([], { hour12: false, timeZone: page.dataset.zone, timeZoneName: "short" });

function say(text) {
  at("refused").textContent = text;
  at("refused").hidden = !text;
}

// --- what somebody does
const sending = new WeakSet();
document.addEventListener("submit", async (event) => {
  const form = event.target;
  if (!form.dataset.form) {
    // A search in another tab: what came by the stream has no token.
    form.append(Object.assign(document.createElement("input"), { type: "hidden", name: "csrfmiddlewaretoken", value: token }));
    return;
  }
  event.preventDefault();
  if (sending.has(form)) return;  // twice is once
  sending.add(form);
  const body = new FormData(form, event.submitter);
  body.set("repeats", [...at("repeats-list").children].map((each) => each.dataset.record).join());
  if (form.dataset.form === "reject") addSeen(body);
  const { root } = hits.get(Number(body.get("hit"))) ?? {};
  try {
    const answer = await fetch(page.dataset.step, { method: "POST", body, headers: { "X-CSRFToken": token } });
    say(answer.status === 204 ? "" : answer.status === 403 || answer.redirected ? text("refused") : answer.headers.get("Content-Type").startsWith("text/plain") ? await answer.text() : text("not_done"));
    if (answer.status === 204 && form.dataset.form === "meanwhile" && at("back").dataset.root === String(root)) at("back").hidden = true;  // it is recorded
  } catch {
    say(text("unanswered"));
  }
  sending.delete(form);
});

// The second click of a double click is for what the first was for, not for what has been drawn in its place since.
let clicked = null;
const control = (target) => target.closest("label") ?? target.closest("button, summary, a, input");
document.addEventListener("click", (event) => {
  if (event.detail < 2) clicked = control(event.target);
  else if (control(event.target) !== clicked) {
    event.preventDefault();
    event.stopPropagation();
  }
}, true);

// What was seen goes along with a rejection: which characters were misread, and what they are.
function addSeen(body) {
  const eye = at("compare").querySelector(".eye");
  if (!eye) return;
  for (const [name, value] of new FormData(eye)) if (!body.has(name)) body.set(name, value);
  const shown = [...eye.querySelectorAll(".shows input")].filter((each) => each.value && each.offsetParent);
  body.set("pairs", shown.map((each) => each.dataset.read + each.value.toUpperCase()).join(" "));
}

const KEYS = {
  t: () => { at("steps").querySelector("[data-form=take] button")?.click(); at("hit").focus({ preventScroll: true }); },
  c: () => { if (!at("cad").hidden && !at("hit").hidden) copy(); },
  n: () => at("queue").querySelector(":scope > li > button:not([aria-current])")?.click(),
  r: () => {
    const panel = at("steps").querySelector("[data-form=reject] details");
    if (!panel?.offsetParent) return;
    panel.open = true;
    panel.querySelector("input[type=radio]").focus();
  },
  f: () => pictures.next(),
  x: () => at("invert").click(),
  v: () => { if (!at("vehicle-figure").hidden) at("enlarge").click(); },
  "?": () => at("help").showModal(),
};

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input:not([type=radio], [type=range]), select, textarea")) return;
  if (event.repeat && /^\w$/.test(event.key)) return event.preventDefault();  // of a key that is held: see comparing.js
  if (document.querySelector("dialog[open]") || event.repeat) return;
  if (!at("hit").hidden && comparing.press(event.key, event.target)) event.preventDefault();
  else KEYS[event.key]?.();
});
for (const kind of ["pointerdown", "keydown"]) {
  document.addEventListener(kind, wake);
  document.addEventListener(kind, () => { if (!ended && Date.now() - stayedAt > STAY_MS) stay(); });
}
// The line for a dispatch system; where a browser does not copy, it is selected.
async function copy() {
  try {
    await navigator.clipboard.writeText(at("line").textContent);
    at("copy").dataset.copied = at("line").textContent;
  } catch {
    getSelection().selectAllChildren(at("line"));
  }
}
// --- a test hit: from this page through the server and the database, as hits come, and back
let testing = 0;
async function test() {
  const began = Date.now();
  testing = began;
  tested(text("test_sent"));
  setTimeout(() => { if (testing === began) tested(text("test_lost"), true); }, TEST_MS);
  try {
    const answer = await fetch(page.dataset.test, { method: "POST", headers: { "X-CSRFToken": token } });
    if (!answer.ok) tested(text("test_lost"), true);
  } catch { tested(text("test_lost"), true); }
}

function testArrived(data) {
  const seconds = Math.max(0, (Date.now() + ahead - new Date(data.at)) / 1000);
  testing = 0;
  tested(text("test_arrived", { at: clock(new Date(data.at)), seconds: seconds.toFixed(1) }));
  chime(1);
  if (globalThis.Notification?.permission === "granted") new Notification(text("test_note"), { tag: "test" });
}

function tested(words, failed = false) {
  set(at("tested-text"), words);
  at("tested").classList.toggle("bad", failed);
  at("tested").hidden = false;
}
at("test").addEventListener("click", test);
at("tested-close").addEventListener("click", () => { at("tested").hidden = true; });
at("keys").addEventListener("click", KEYS["?"]);
at("copy").addEventListener("click", copy);
at("stay").addEventListener("click", stay);
at("more").addEventListener("click", () => { length += ROWS; list(); });
new IntersectionObserver((seen) => { if (seen.some((each) => each.isIntersecting)) at("more").click(); }).observe(at("more"));
at("sound").addEventListener("click", () => {
  wake();
  globalThis.Notification?.requestPermission?.();
  chime(1);
});
setInterval(() => { age(); showStatus(); }, 1000);
if (navigator.userActivation?.hasBeenActive) wake();
showStatus();
listen();
