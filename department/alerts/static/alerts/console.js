// The console: takes what the stream brings, sounds until it is taken, and never lets silence look like quiet.
// Each part has a file of its own; this one connects them, and has the keys.
import { begin as beginActing } from "./acting.js";
import { buzz, chime, fall, notify, rise, tone, wake } from "./alarm.js";
import { press } from "./comparing.js";
import { copy } from "./copying.js";
import { attend, close, needed, open, plates, present, settle, show, showOthers, showRepeats, toAnswers, update } from "./hit.js";
import { drop, dropAll, gone, heads, hits, inHand, keep, kin, second, toTake } from "./hits.js";
import { at, me, named, page, post, server, set, showNotice, text } from "./page.js";
import * as pictures from "./pictures.js";
import { begin as beginQueue, draw } from "./queue.js";
import { receiving, showStatus, takeLiveness } from "./receiving.js";
import { active, expiring, sessionIs, stay } from "./session.js";
import { listen } from "./stream.js";
import { testArrived } from "./test-hit.js";

const SOUND_MS = 4000, LOAD_MS = 5000, BATCH = 20;
const asked = new Map();  // by record, when it was asked for
let taking = [], news = [], due = false;  // hits to take; those to announce; whether the first of the queue is to be shown

// --- what the stream brings
function take(messages) {
  for (const { event, data } of messages) (WITHOUT_HIT[event] ?? takeChange)(data, event);
  if (messages.every(({ event }) => event in WITHOUT_HIT)) showStatus(taking); else list();
}

const WITHOUT_HIT = { liveness: takeLiveness, session: sessionIs, test: testArrived };

function takeChange(data, event) {
  if (event === "ended") {
    if (data.why) end(data.why);
  } else if (event === "complete") {
    const open = data.open && new Set(data.open);
    if (open) for (const record of hits.keys()) if (!open.has(record)) drop(record);
    receiving.complete = true;
    if (settle()) due = false;
  } else if (event === "rows") {
    // What is known of a hit beyond its row stays.
    for (const row of data.rows) {
      const { plate, place, category } = hits.get(row.record) ?? row;
      takeHit({ ...row, plate, place, category });
    }
  } else if (event === "hit" || hits.has(data.record)) {
    takeHit(data);
  }
}

export function takeHit(data) {
  const [former, hit] = keep(data);
  const isNew = !former && hit.state === "new" && !kin(hit).some((each) => inHand(each) || !each.late);
  if (isNew || (second(hit) && !(former && second(former)))) news.push(hit);
  if (former?.state === "waiting" && hit.state !== "waiting" && former.eye_by === me && !gone(hit)) compared(hit);
  if (gone(hit) && !(former && gone(former)) && !kin(hit).length) takenBack(hit);
  if (present.record === hit.record) update(former, hit);
  else if (present.record === null || (!hits.get(present.record)?.open && data.state === "new")) due = true;
  else if (second(hit) && !(former && second(former)) && onlyLooking()) due = true;
  if (!hit.open) drop(hit.record);
}

// Whether the open hit is another person's, and nothing that waits for this one: a colleague's wait goes before a look.
function onlyLooking() {
  const opened = hits.get(present.record);
  return Boolean(opened?.holder) && opened.holder !== me && !second(opened) && !gone(opened) && !document.querySelector("#steps details[open], dialog[open]");
}

function end(why) {
  receiving.ended = why;
  dropAll();
  close();
  list();
}

function list() {
  const all = heads();
  taking = toTake(all);
  announce();
  if (due && all.length) open(all[0].head);
  due = false;
  // Someone has recorded what was done about a withdrawn hit: its message must not stand over another hit.
  if (!receiving.ended && !withdrawn(Number(at("back").dataset.root))) at("back").hidden = true;
  const shown = draw(all), opened = hits.get(present.record);
  at("back").querySelector("button")?.toggleAttribute("hidden", Boolean(opened && gone(opened) && opened.root === Number(at("back").dataset.root)));
  const others = taking.filter((hit) => hit.record !== present.record);
  at("others-wait").hidden = !others.length || taking.length > others.length || !opened;
  set(at("others-wait"), text(others.length && second(others[0]) ? "second_waits" : others.length === 1 ? "other_waits" : "others_wait", { count: others.length }));
  showRepeats();
  age();
  showStatus(taking);
  load([...needed(), ...shown]);
}

// Whole hits, of which the stream has sent only how they stand: at most BATCH at a time, under one entry in the ledger.
async function load(records) {
  const lacking = records.filter((record) => {
    const hit = hits.get(record);
    return hit && (hit.facts === undefined || hit.steps === undefined || (hit.text_changed && hit.reread === undefined)) && Date.now() - (asked.get(record) ?? 0) > LOAD_MS;
  }).slice(0, BATCH);
  if (!lacking.length || receiving.ended) return;
  for (const record of lacking) asked.set(record, Date.now());
  try {
    const answer = await post("hits", new URLSearchParams({ records: lacking.join() }), { "Platepost-Refresh": "1" });
    if (!answer.ok) return;
    for (const hit of (await answer.json()).hits) {
      const former = hits.get(hit.record);
      if (former && former.revision <= hit.revision) takeHit({ facts: "", ...hit });
    }
    for (const record of lacking) asked.delete(record);
    list();
  } catch { /* lost: it is asked again when it is drawn again */ }
}

function age() {
  for (const each of page.querySelectorAll("[data-captured]")) {
    const seconds = Math.max(0, Math.round((server.now() - new Date(each.dataset.captured)) / 1000));
    const [size, unit] = seconds < 120 ? [1, "s"] : seconds < 7200 ? [60, "min"] : seconds < 172800 ? [3600, "h"] : [86400, "days"];
    each.textContent = text(unit, { count: Math.floor(seconds / size) });
  }
}

// --- what is to be noticed
function announce() {
  const loud = news.filter((hit) => !hit.late && hits.has(hit.record));
  news = [];
  if (!loud.length) return;
  const first = loud.reduce((one, other) => (other.priority < one.priority ? other : one));
  chime(first.priority);
  notify(text("possible", first), { tag: String(first.record), requireInteraction: true });
}

// The second person has confirmed or rejected what this person has compared.
function compared(hit) {
  rise();
  const done = text(hit.confirmed ? "second_done" : "second_rejected");
  if (present.record !== hit.record) showNotice(done);
  notify(done, { tag: String(hit.record) });
}

function takenBack(hit) {
  const back = Object.assign(document.createElement("span"), { textContent: text(hit.was === "actionable" || hit.was === "closed" ? "back" : "back_early", { ...hit, ...plates(hit), category: named(hit.category) }) });
  const button = Object.assign(document.createElement("button"), { textContent: text("show") });
  button.addEventListener("click", () => { at("back").hidden = true; show(withdrawn(hit.root).record); list(); attend(); });
  at("back").dataset.root = hit.root;
  at("back").replaceChildren(back, button);
  at("back").hidden = false;
  fall();
  notify(text("back_note"), { tag: String(hit.record) });
}

const withdrawn = (root) => [...hits.values()].find((hit) => gone(hit) && hit.root === root);

setInterval(() => {
  if (receiving.deafSince !== null) buzz();
  if ([...hits.values()].some(gone)) fall();
  else if (taking.length) chime(taking[0].priority);
  if (!receiving.ended && expiring()) tone(660, 440, 1, 0.5);
}, SOUND_MS);

// --- keys and buttons
// Closes what is open over the pictures, with nothing chosen there.
function closePanels() {
  for (const panel of at("steps").querySelectorAll("details[open]")) {
    panel.open = false;
    panel.closest("form").reset();
  }
  at("hit").focus({ preventScroll: true });
}

// Opens one over the pictures, or closes it.
function panel(which) {
  const details = at("steps").querySelector(which);
  if (!details?.offsetParent) return;
  if (details.open) return closePanels();
  details.open = true;
  details.querySelector("input:not([type=hidden])").focus();
}

const KEYS = {
  t: () => { at("steps").querySelector("[data-form=take] button")?.click(); at("hit").focus({ preventScroll: true }); },
  c: copy,
  n: () => at("queue").querySelector(":scope > li > button:not([aria-current])")?.click(),
  r: () => panel("[data-form=reject] details"),
  h: () => panel("[data-form=offer] details"),
  Escape: closePanels,
  w: toAnswers,
  f: pictures.next,
  x: () => at("invert").click(),
  v: () => { if (!at("vehicle-figure").hidden) at("enlarge").click(); },
  "?": () => { at("help").showModal(); at("help").scrollTop = 0; },
};

document.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && event.target.matches(".shows input")) {  // who types no character goes on to the reasons
    event.preventDefault();
    return KEYS.r();
  }
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input:not([type=radio], [type=range]), select, textarea")) return;
  if (event.repeat && /^\w$/.test(event.key)) return event.preventDefault();  // of a key that is held: see comparing.js
  if (document.querySelector("dialog[open]") || event.repeat) return;
  if (!at("hit").hidden && press(event.key, event.target)) event.preventDefault();
  else KEYS[event.key]?.();
});
const awake = () => wake().then(() => showStatus(taking));
for (const kind of ["pointerdown", "keydown"]) {
  document.addEventListener(kind, awake);
  document.addEventListener(kind, () => { if (!receiving.ended) active(); });
}
at("keys").addEventListener("click", KEYS["?"]);
at("copy").addEventListener("click", copy);
at("others-wait").addEventListener("click", KEYS.n);
at("stay").addEventListener("click", stay);
at("sound").addEventListener("click", () => {
  awake();
  globalThis.Notification?.requestPermission?.();
  chime(1);
});
setInterval(() => { age(); showStatus(taking); showOthers(); }, 1000);
if (navigator.userActivation?.hasBeenActive) awake();
beginActing();
beginQueue(list);
showStatus(taking);
listen(take, () => end(text("logged_out")), () => showStatus(taking));
at("incomplete").remove();  // nothing is missing: see console.html
