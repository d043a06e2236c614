// Hears hits, sounds until they are taken, and never lets silence look like quiet.
"use strict";
const DEAF_MS = 7000, AGAIN_MS = 1000, SOUND_MS = 4000;
const page = document.getElementById("console");
const at = (id) => document.getElementById(id);
const token = page.querySelector("input[name=csrfmiddlewaretoken]").value;
const icon = document.querySelector("link[rel=icon]");
const name = document.title;
const hits = new Map();  // by record; in the order of their coming
const rows = new WeakMap();  // of the queue, by hit as it stands
let last = "", current = null, beatAt = Date.now(), ahead = 0, heard = null, ended = "", deafSince = null;

// --- the stream, read by hand: so a refusal is told from a loss, and the session is not kept alive by it
async function listen() {
  for (;;) {
    const headers = { Accept: "text/event-stream", "Platepost-Refresh": "1", "Last-Event-ID": last };
    try {
      const answer = await fetch(page.dataset.events, { headers, cache: "no-store" });
      if (answer.redirected || answer.status === 403) {
        ended = "You are logged out, or may not see hits any more.";
        clear();
        return look();
      }
      if (!answer.ok) throw new Error(answer.status);
      await read(answer.body.pipeThrough(new TextDecoderStream()).getReader());
    } catch { /* lost: it is asked again, and look() says so */ }
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
  hits.set(data.record, now);
  if (!former && data.state === "new") announce(now);
  if (data.state === "withdrawn" && former?.state !== "withdrawn") takenBack(now);
  if (current === data.record) {
    if (former && former.facts === now.facts && now.facts) steps(now); else show(data.record);
  } else if (current === null || (!hits.get(current)?.open && data.state === "new")) {
    show(data.record);
  }
  if (!now.open) hits.delete(data.record);
}

function show(record) {
  const hit = hits.get(record);
  current = record;
  at("hit").hidden = false;
  at("facts").innerHTML = hit.facts || "<p class='bad'>The record cannot be read.</p>";
  for (const canvas of at("facts").querySelectorAll("canvas")) paint(canvas, hit.pictures?.[canvas.dataset.picture]);
  steps(hit);
}

function steps(hit) {
  const article = at("hit"), focused = article.contains(document.activeElement);
  const busy = at("steps").contains(document.activeElement) && article.dataset.revision === String(hit.revision);
  if (busy) return;  // only its age has changed: anyone who writes goes on
  article.dataset.state = hit.state;
  article.dataset.revision = hit.revision;
  // The person who compared first is not asked to be the second.
  const asked = hit.eye === "second" && hit.eye_by === page.dataset.me ? "" : hit.eye;
  if (asked) article.dataset.eye = asked; else delete article.dataset.eye;
  at("hit-name").replaceChildren(...parts(hit).filter((each) => each.className !== "stands"));
  at("steps").innerHTML = hit.steps;
  const eye = at("facts").querySelector(".eye");
  if (eye) {
    if (eye.elements.step.value !== asked) eye.reset();
    eye.elements.step.value = asked;
    eye.elements.revision.value = hit.revision;
  }
  if (focused) (asked ? eye.querySelector("input[type=radio]") : at("steps").querySelector("input[type=radio]") || article).focus({ preventScroll: true });
}

const words = (name) => name.replaceAll("_", " ");

function parts(hit) {
  const part = (text, kind = "") => Object.assign(document.createElement("span"), { textContent: text, className: kind });
  const age = part("", "age");
  age.dataset.captured = hit.captured;
  return [part(`Priority ${hit.priority}`), part(words(hit.category)), part(hit.plate, "plate"), part(hit.place), part(hit.holder ? `${hit.stand} · ${hit.holder}` : hit.stand, "stands"), age];
}

function list() {
  const order = [...hits.values()].sort((a, b) => urgent(b) - urgent(a) || a.priority - b.priority || a.arrived.localeCompare(b.arrived));
  const focused = document.activeElement?.dataset?.record;
  const queue = at("queue");
  order.forEach((hit, place) => {
    const now = row(hit);
    if (queue.children[place] !== now) queue.insertBefore(now, queue.children[place] ?? null);
    if (hit.record === current) now.firstChild.setAttribute("aria-current", "true"); else now.firstChild.removeAttribute("aria-current");
  });
  while (queue.children.length > order.length) queue.lastChild.remove();
  if (focused) at("queue").querySelector(`[data-record="${focused}"]`)?.focus();
  at("waiting").textContent = hits.size ? `${hits.size} open, ${waiting().length} to be taken` : "No hits";
  age();
  look();
}

function row(hit) {
  if (!rows.has(hit)) {
    const made = document.createElement("li"), button = document.createElement("button");
    button.append(...parts(hit));
    button.dataset.record = hit.record;
    button.dataset.state = hit.state;
    button.addEventListener("click", () => { show(hit.record); list(); at("hit").focus(); });
    made.append(button);
    rows.set(hit, made);
  }
  return rows.get(hit);
}

const urgent = (hit) => hit.state === "new" || hit.state === "withdrawn";
const waiting = () => [...hits.values()].filter((hit) => hit.state === "new" && !hit.late);

async function paint(canvas, picture) {
  if (!picture) { canvas.remove(); return; }
  const image = await createImageBitmap(new Blob([Uint8Array.from(atob(picture), (each) => each.charCodeAt(0))]));
  canvas.width = image.width;
  canvas.height = image.height;
  canvas.getContext("2d").drawImage(image, 0, 0);
}

function age() {
  for (const each of page.querySelectorAll("[data-captured]")) {
    const seconds = Math.max(0, Math.round((Date.now() + ahead - new Date(each.dataset.captured)) / 1000));
    each.textContent = seconds < 120 ? `${seconds} s ago` : seconds < 7200 ? `${Math.floor(seconds / 60)} min ago` : `${Math.floor(seconds / 3600)} h ago`;
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
    new Notification(`Possible match, priority ${hit.priority}`, { tag: String(hit.record), requireInteraction: true });
  }
}

function takenBack(hit) {
  const text = Object.assign(document.createElement("span"), { textContent: `TAKEN BACK: ${words(hit.category)}, ${hit.place}, ${hit.plate}. Stop what was begun on it, and say what was done.` });
  const button = Object.assign(document.createElement("button"), { textContent: "Show it" });
  button.addEventListener("click", () => { at("back").hidden = true; if (hits.has(hit.record)) show(hit.record); list(); at("hit").focus(); });
  at("back").replaceChildren(text, button);
  at("back").hidden = false;
  fall();
  if (globalThis.Notification?.permission === "granted") new Notification("A hit was taken back", { tag: String(hit.record) });
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
  else if (silent) lost.unshift("This page hears nothing from its server; it goes on trying.");
  const nothing = Boolean(ended) || silent || Boolean(heard?.nothing);
  if (nothing && deafSince === null) deafSince = new Date(Date.now() + ahead);
  if (!nothing && deafSince !== null) {
    say(`You heard nothing from ${clock(deafSince)} to ${clock(new Date(Date.now() + ahead))}. What came meanwhile stands below.`);
    deafSince = null;
  }
  const deaf = at("deaf"), head = nothing ? `You hear nothing, since ${clock(deafSince)}` : "You do not hear everything";
  deaf.hidden = lost.length === 0;
  deaf.classList.toggle("some", !nothing);
  if (deaf.firstChild.textContent !== head) deaf.firstChild.textContent = head;
  if (deaf.dataset.said !== lost.join()) {
    deaf.dataset.said = lost.join();
    deaf.lastChild.replaceChildren(...lost.map((text) => Object.assign(document.createElement("li"), { textContent: text })));
  }
  const text = heard ? `Last heard from a post ${heard.last ? clock(new Date(heard.last)) : "never"}; last test hit ${heard.tested ? clock(new Date(heard.tested)) : "none"}.` : "Nothing heard yet.";
  if (at("heard").textContent !== text) at("heard").textContent = text;
  at("sound").textContent = sounds() ? "Sound is on: try it" : "NO SOUND: turn it on";
  at("sound").className = sounds() ? "second" : "second off";
  const back = [...hits.values()].some((hit) => hit.state === "withdrawn");
  const title = nothing ? "You hear nothing" : back ? "Taken back" : waiting().length ? `(${waiting().length}) to be taken` : "";
  document.title = title ? `${title} · ${name}` : name;
  const sign = nothing ? page.dataset.deaf : back || waiting().length ? page.dataset.alarm : page.dataset.icon;
  if (icon.getAttribute("href") !== sign) icon.setAttribute("href", sign);
}

const clock = (moment) => moment.toLocaleTimeString([], { hour12: false, timeZone: page.dataset.zone });

function say(text) {
  at("refused").textContent = text;
  at("refused").hidden = !text;
}

// --- what somebody does
document.addEventListener("submit", async (event) => {
  const form = event.target;
  if (!form.dataset.form) {
    // A search in another tab: what came by the stream has no token.
    form.append(Object.assign(document.createElement("input"), { type: "hidden", name: "csrfmiddlewaretoken", value: token }));
    return;
  }
  event.preventDefault();
  if (form.dataset.sent) return;  // twice is once
  form.dataset.sent = "1";
  const body = new FormData(form, event.submitter);
  if (form.dataset.form === "reject") addSeen(body);
  try {
    const answer = await fetch(page.dataset.step, { method: "POST", body, headers: { "X-CSRFToken": token } });
    const text = answer.status === 204 ? "" : answer.status === 403 || answer.redirected ? "You may not do this now." : answer.headers.get("Content-Type").startsWith("text/plain") ? await answer.text() : "It was not done: the server cannot do it now.";
    say(text);
  } catch {
    say("It may not have been done: the server does not answer.");
  }
  delete form.dataset.sent;
});

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
    at("queue").querySelector("button:not([aria-current])")?.click();
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
