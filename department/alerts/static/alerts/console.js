// Hears hits, sounds until they are taken, and never lets silence look like quiet.
"use strict";
const DEAF_MS = 7000, AGAIN_MS = 1000, SOUND_MS = 4000;
const page = document.getElementById("console");
const at = (id) => document.getElementById(id);
const token = page.querySelector("input[name=csrfmiddlewaretoken]").value;
const icon = document.querySelector("link[rel=icon]");
const name = document.title;
const told = JSON.parse(at("words").textContent);  // in the page's language
const text = (key, given = {}) => told[key].replace(/\{(\w+)\}/g, (_, each) => given[each]);
const hits = new Map();  // by record; in the order of their coming
const rows = new Map();  // of the queue, by record
const drawn = new WeakMap();  // by row, the hit as it shows it; by canvas, the picture
let last = "", current = null, due = false, beatAt = Date.now(), ahead = 0, heard = null, ended = "", deafSince = null;

// --- the stream, read by hand: so a refusal is told from a loss, and the session is not kept alive by it
async function listen() {
  for (;;) {
    const headers = { Accept: "text/event-stream", "Platepost-Refresh": "1", "Last-Event-ID": last };
    // A connection that died in a sleep, or on the way, says nothing of it for minutes.
    const giveUp = new AbortController(), began = Date.now();
    const watch = setInterval(() => { if (Date.now() - Math.max(began, beatAt) > 2 * DEAF_MS) giveUp.abort(); }, AGAIN_MS);
    try {
      const answer = await fetch(page.dataset.events, { headers, cache: "no-store", signal: giveUp.signal });
      if (answer.redirected || answer.status === 403) {
        ended = text("logged_out");
        clear();
        return look();
      }
      if (!answer.ok) throw new Error(answer.status);
      await read(answer.body.pipeThrough(new TextDecoderStream()).getReader());
    } catch { /* lost: it is asked again, and look() says so */ } finally { clearInterval(watch); }
    if (ended) return look();
    look();
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
    if (changed) list(); else look();
  }
}

function take(event) {
  const said = Object.fromEntries(event.split("\n").map((line) => [line.split(": ", 1)[0], line.slice(line.indexOf(": ") + 2)]));
  const data = JSON.parse(said.data);
  if (said.event === "heard") {
    beatAt = Date.now();
    ahead = new Date(data.at) - beatAt;
    heard = data;
  } else if (said.event === "ended") {
    ended = data.why;
    if (ended) clear();
  } else if (said.event === "complete") {
    const open = new Set(data.open);
    for (const record of hits.keys()) if (!open.has(record)) hits.delete(record);
  } else if (said.event === "hit" || hits.has(data.record)) {
    stand(data);
  }
  if (said.id) last = said.id;
  return said.event !== "heard";
}

// --- hits
function stand(data) {
  const former = hits.get(data.record), now = { ...former, ...data };
  if (!former && data.state === "new" && !kin(now).some((each) => inHand(each) || !each.late)) announce(now);
  hits.set(data.record, now);
  if (data.state === "withdrawn" && former?.state !== "withdrawn") takenBack(now);
  if (current === data.record) {
    if (former && former.facts === now.facts && now.facts) steps(now); else show(data.record);
  } else if (current === null || (!hits.get(current)?.open && data.state === "new")) {
    due = true;  // to show the first of the queue
  }
  if (!now.open) hits.delete(data.record);
}

function show(record) {
  const hit = hits.get(record), article = at("hit");
  if (current !== record) {
    // What somebody has begun on one hit must not go on with another.
    if (article.contains(document.activeElement)) article.focus({ preventScroll: true });
    for (const id of ["facts", "steps", "hit-name"]) at(id).replaceChildren();
    delete article.dataset.state;
    delete article.dataset.eye;
  }
  current = record;
  article.hidden = false;
  redraw(at("facts"), hit.facts || `<p class='bad'>${text("unreadable")}</p>`);
  for (const canvas of at("facts").querySelectorAll("canvas")) paint(canvas, hit.pictures?.[canvas.dataset.picture]);
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
  redraw(at("steps"), hit.steps);
  const eye = at("facts").querySelector(".eye");
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

const words = (name) => name.replaceAll("_", " ");

function parts(hit) {
  const part = (text, kind = "") => Object.assign(document.createElement("span"), { textContent: text, className: kind });
  const age = part("", "age");
  age.dataset.captured = hit.captured;
  return [part(text("priority", hit)), part(words(hit.category)), part(hit.plate, "plate"), part(hit.place), part(hit.holder ? `${hit.stand} · ${hit.holder}` : hit.stand, "stands"), age];
}

// Hits of one vehicle by one entry. Somebody who has one of them in hand has been alarmed.
const kin = (hit) => [...hits.values()].filter((each) => each.same && each.same === hit.same && each.record !== hit.record && each.state !== "withdrawn");
const inHand = (hit) => hit.state !== "new";

// One row for each vehicle, at whichever of its hits is in hand, or came first; the others are folded under it.
function heads(order) {
  const found = new Map();
  for (const hit of [...order.filter(inHand), ...order.filter((each) => !inHand(each))]) {
    const head = hit.state === "withdrawn" || !hit.same ? hit.record : hit.same;
    found.set(head, [...(found.get(head) ?? []), hit]);
  }
  return new Map([...found.values()].map(([head, ...again]) => [head, again.filter((each) => !inHand(each))]));
}

function list() {
  const order = [...hits.values()].sort((a, b) => urgent(b) - urgent(a) || a.priority - b.priority || a.arrived.localeCompare(b.arrived));
  const groups = heads(order), folded = new Set([...groups.values()].flat()), first = order.filter((hit) => !folded.has(hit));
  if (due && first.length) show(first[0].record);
  due = false;
  const queue = at("queue");
  for (const record of rows.keys()) if (!hits.has(record)) rows.delete(record);
  arrange(queue, first.map(row));
  for (const hit of order) fold(row(hit), groups.get(hit) ?? []);
  for (const each of queue.querySelectorAll("button")) {
    if (Number(each.dataset.record) === current) each.setAttribute("aria-current", "true"); else each.removeAttribute("aria-current");
  }
  at("waiting").textContent = hits.size ? text("open", { open: hits.size, waiting: waiting().length }) : text("no_hits");
  age();
  look();
}

function row(hit) {
  if (!rows.has(hit.record)) {
    const made = document.createElement("li"), button = document.createElement("button");
    button.dataset.record = hit.record;
    button.addEventListener("click", () => { show(hit.record); list(); at("hit").focus(); });
    made.append(button);
    rows.set(hit.record, made);
  }
  const made = rows.get(hit.record);
  if (drawn.get(made) !== hit) {
    drawn.set(made, hit);
    made.firstChild.dataset.state = hit.state;
    redraw(made.firstChild, parts(hit));
  }
  return made;
}

// Under a row, what came of the same vehicle since: how often, where last, and how long ago.
function fold(made, again) {
  let more = made.querySelector(":scope > details");
  if (!again.length) return more?.remove();
  if (!more) {
    more = Object.assign(document.createElement("details"), { className: "again" });
    more.append(document.createElement("summary"), document.createElement("ol"));
    made.append(more);
  }
  const newest = again.reduce((one, other) => (other.captured > one.captured ? other : one));
  const age = Object.assign(document.createElement("span"), { className: "age" });
  age.dataset.captured = newest.captured;
  redraw(more.firstChild, [new Text(`${text(again.length === 1 ? "once" : "again", { times: again.length, place: newest.place })} `), age]);
  arrange(more.lastChild, again.map(row));
}

const second = (hit) => hit.state === "waiting" && hit.eye_by !== page.dataset.me;
const urgent = (hit) => hit.state === "new" || hit.state === "withdrawn" || second(hit);
const waiting = () => [...heads([...hits.values()])].filter(([head, again]) => !inHand(head) && [head, ...again].some((hit) => !hit.late)).map(([head]) => head);

async function paint(canvas, picture) {
  if (!picture) { canvas.remove(); return; }
  if (drawn.get(canvas) === picture) return;
  drawn.set(canvas, picture);
  const image = await createImageBitmap(new Blob([Uint8Array.from(atob(picture), (each) => each.charCodeAt(0))]));
  canvas.width = image.width;
  canvas.height = image.height;
  canvas.getContext("2d").drawImage(image, 0, 0);
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
  current = null;
  at("hit").hidden = true;
  for (const id of ["facts", "steps", "hit-name"]) at(id).replaceChildren();
  list();
}

// --- what is to be noticed
function announce(hit) {
  if (hit.late) return;
  chime(hit.priority);
  if (globalThis.Notification?.permission === "granted") {
    new Notification(text("possible", hit), { tag: String(hit.record), requireInteraction: true });
  }
}

function takenBack(hit) {
  const back = Object.assign(document.createElement("span"), { textContent: text("back", { ...hit, category: words(hit.category) }) });
  const button = Object.assign(document.createElement("button"), { textContent: text("show") });
  button.addEventListener("click", () => { at("back").hidden = true; if (hits.has(hit.record)) show(hit.record); list(); at("hit").focus(); });
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

// The most urgent is the highest, and the most often.
function chime(priority) {
  const urgency = Math.min(Math.max(priority, 1), 3);
  for (let time = 0; time < 4 - urgency; time++) tone(1320 / urgency, 1320 / urgency, time * 0.25, 0.2);
}
const fall = () => { for (const time of [0, 0.7]) tone(900, 200, time, 0.6, "sawtooth"); };
const buzz = () => tone(110, 110, 0, 0.5, "sawtooth");

function wake() {
  audio ??= new AudioContext();
  audio.resume().then(look);
}

setInterval(() => {
  if (deafSince !== null) buzz();
  if ([...hits.values()].some((hit) => hit.state === "withdrawn")) fall();
  else if (waiting().length) chime(Math.min(...waiting().map((hit) => hit.priority)));
}, SOUND_MS);

// --- whether anything can be heard
function look() {
  const lost = [...(heard?.lost ?? [])];
  const silent = Date.now() - beatAt > DEAF_MS;
  if (ended) lost.unshift(ended);
  else if (silent) lost.unshift(text("silent"));
  const nothing = Boolean(ended) || silent || Boolean(heard?.nothing);
  if (nothing && deafSince === null) deafSince = new Date(Date.now() + ahead);
  if (!nothing && deafSince !== null) {
    say(text("was_deaf", { since: clock(deafSince), until: clock(new Date(Date.now() + ahead)) }));
    deafSince = null;
  }
  const deaf = at("deaf"), head = nothing ? text("deaf_since", { since: clock(deafSince) }) : text("deaf_partly");
  deaf.hidden = lost.length === 0;
  deaf.classList.toggle("some", !nothing);
  if (deaf.firstChild.textContent !== head) deaf.firstChild.textContent = head;
  if (deaf.dataset.said !== lost.join()) {
    deaf.dataset.said = lost.join();
    deaf.lastChild.replaceChildren(...lost.map((each) => Object.assign(document.createElement("li"), { textContent: each })));
  }
  const [last, tested] = [heard?.last, heard?.tested].map((each) => each && clock(new Date(each)));
  const sign = heard ? text("last_heard", { heard: last ?? text("never"), tested: tested ?? text("no_test") }) : text("not_heard");
  if (at("heard").textContent !== sign) at("heard").textContent = sign;
  at("sound").textContent = text(sounds() ? "sound" : "no_sound");
  at("sound").className = sounds() ? "second" : "second off";
  const back = [...hits.values()].some((hit) => hit.state === "withdrawn");
  const title = nothing ? text("title_deaf") : back ? text("title_back") : waiting().length ? text("title_waiting", { waiting: waiting().length }) : "";
  document.title = title ? `${title} · ${name}` : name;
  const shown = nothing ? page.dataset.deaf : back || waiting().length ? page.dataset.alarm : page.dataset.icon;
  if (icon.getAttribute("href") !== shown) icon.setAttribute("href", shown);
}

const clock = (moment) => moment.toLocaleTimeString([], { hour12: false, timeZone: page.dataset.zone });

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
  if (form.dataset.form === "reject") addSeen(body);
  try {
    const answer = await fetch(page.dataset.step, { method: "POST", body, headers: { "X-CSRFToken": token } });
    say(answer.status === 204 ? "" : answer.status === 403 || answer.redirected ? text("refused") : answer.headers.get("Content-Type").startsWith("text/plain") ? await answer.text() : text("not_done"));
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
  const eye = at("facts").querySelector(".eye");
  if (!eye) return;
  for (const [name, value] of new FormData(eye)) if (!body.has(name)) body.set(name, value);
  const shown = [...eye.querySelectorAll(".shows input")].filter((each) => each.value && each.offsetParent);
  body.set("pairs", shown.map((each) => each.dataset.read + each.value.toUpperCase()).join(" "));
}

function answer(list, value) {
  const radio = [...list.querySelectorAll("input[type=radio]")].find((each, place) => each.value === value || String(place + 1) === value);
  if (!radio) return false;
  radio.checked = true;
  const shows = list.querySelector(".shows input");
  if (radio.value === "not_practical") list.closest("form").elements.note.focus();
  else if (radio.value === "d" && shows) shows.focus();
  else onward(list);
  return true;
}

function onward(list) {
  const groups = [...at("hit").querySelectorAll("fieldset")].filter((each) => each.offsetParent && each.querySelector("input[type=radio]"));
  const next = groups[groups.indexOf(list) + 1];
  const form = list.closest("form");
  if (next && form.contains(next)) next.querySelector("input").focus();
  else form.querySelector("button").focus();
}

at("facts").addEventListener("input", ({ target }) => {
  if (target.dataset.read && target.value) onward(target.closest("fieldset"));
});

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.repeat || event.target.matches("input:not([type=radio]), select, textarea")) return;
  const list = event.target.closest("#hit fieldset");
  if (list && /^[sdi1-5]$/.test(event.key) && (list.closest(".compared") ? /[sdi]/ : /[1-5]/).test(event.key)) {
    if (answer(list, event.key)) event.preventDefault();
  } else if (event.key === "t") {
    at("steps").querySelector("[data-form=take] button")?.click();
    at("hit").focus({ preventScroll: true });
  } else if (event.key === "n") {
    at("queue").querySelector(":scope > li > button:not([aria-current])")?.click();
  }
});
for (const kind of ["pointerdown", "keydown"]) document.addEventListener(kind, wake);
at("sound").addEventListener("click", () => {
  wake();
  globalThis.Notification?.requestPermission?.();
  chime(1);
});
setInterval(() => { age(); look(); }, 1000);
if (navigator.userActivation?.hasBeenActive) wake();
look();
listen();
