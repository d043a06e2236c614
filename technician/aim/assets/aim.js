"use strict";
const by = (id) => document.getElementById(id);
const TRANSLATIONS = JSON.parse(by("words").textContent);
// Text in the page's language, with its fields filled in.
const t = (text, fields = {}) => (TRANSLATIONS[text] ?? text).replace(/\{(\w+)\}/g, (_, name) => fields[name]);
const WORDS = { waiting: ["…", t("WAITING")], red: ["✗", t("NOT YET")], green: ["✓", t("GOOD")] };
const SIGNS = { waiting: "…", red: "✗", green: "✓" };
const LIGHTS = { day: t("daylight"), infrared: t("infrared") };
const SILENT_MS = 6000;  // the unit says how things stand once a second, and more often
let infrared = false;
let closed = false;
let done = []; // who did what so far, in sentences
let drawing = false;
let begun = null; // the press that begins a lane, until the unit's word of it comes
let stream = null;
let heard = Date.now();

function show(light, word) {
  by("light").className = light;
  [by("sign").textContent, by("word").textContent] = word ?? WORDS[light];
}

function row(point) {
  const line = document.createElement("tr");
  line.className = { true: "good", false: "bad", null: "unknown" }[point.good];
  for (const text of [point.name, point.value, point.limit]) {
    line.append(Object.assign(document.createElement("td"), { textContent: text }));
  }
  return line;
}

function item(text) {
  return Object.assign(document.createElement("li"), { textContent: text });
}

function capital(text) {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

// Changed in place: a button that is replaced while a thumb is on it is not pressed.
function lanes(state) {
  const place = by("lanes");
  const wanted = state.lanes.map((lane) => ({
    name: lane.name, text: `${SIGNS[lane.light]} ${capital(lane.title)}: ${lane.last}`, on: state.chosen === lane.name,
  }));
  if (wanted.length) wanted.push({ name: null, text: t("Judge the busiest lane"), on: state.chosen === null });
  while (place.children.length > wanted.length) place.lastChild.remove();
  while (place.children.length < wanted.length) {
    const made = document.createElement("button");
    made.addEventListener("click", () => press(made.dataset.lane ? `lane?name=${encodeURIComponent(made.dataset.lane)}` : "lane"));
    place.append(made);
  }
  wanted.forEach((want, index) => {
    const button = place.children[index];
    button.dataset.lane = want.name ?? "";
    if (button.textContent !== want.text) button.textContent = want.text;
    button.setAttribute("aria-pressed", String(want.on));
  });
  place.hidden = wanted.length === 0;
}

// The unit draws the lanes into the picture: here are only the words and buttons.
function outlines(drawn) {
  drawing = drawn.corners !== null;
  if (drawing) begun = null;
  const named = drawn.lanes.length ? t("Drawn: {lanes}.", { lanes: drawn.lanes.join(", ") }) : t("None is drawn.");
  const words = drawing ? t("Tap the lane's corners on the picture, one after the other: {count} so far.", { count: drawn.corners }) : named;
  if (by("drawn").textContent !== words) by("drawn").textContent = words;
  by("naming").hidden = !drawing;
  by("draw").hidden = drawing;
  by("undo").hidden = !drawing && !drawn.lanes.length;
  by("undo").textContent = drawing ? t("Remove the last corner") : t("Remove {lane}", { lane: drawn.lanes.at(-1) });
}

function spokenOf(state, vehicles) {
  if (!vehicles.length) return "";
  const fields = { count: vehicles.length, lane: state.lane, vehicles: vehicles.join(" · ") };
  if (vehicles.length === 1) return state.lane ? t("Judged by the last vehicle, {lane}: {vehicles}", fields) : t("Judged by the last vehicle: {vehicles}", fields);
  return state.lane ? t("Judged by the last {count} vehicles, {lane}: {vehicles}", fields) : t("Judged by the last {count} vehicles: {vehicles}", fields);
}

function acceptance(state, kept, ready, soon) {
  const fields = { light: LIGHTS[state.light] };
  if (kept) return ready ? t("✓ Accepted in {light} · tap again to replace it", fields) : t("✓ Accepted in {light}", fields);
  if (soon) return t("Wait a few seconds: it is learning the view");
  return state.light ? t("Accept this view in {light}", fields) : t("Accept this view");
}

function told(state) {
  if (state.closed !== undefined) {
    closed = true;
    stream.close();
    by("unfinished").close();
    show("waiting", ["■", t("CLOSED")]);
    by("advice").replaceChildren(item(t("This page has closed: {why}.", { why: state.closed })));
    by("foot").textContent = done.join(" ");
    by("shown").hidden = true; // no picture of now, and one that was asked for does not come any more
    for (const button of document.querySelectorAll("button")) button.disabled = true;
    return;
  }
  const verdict = state.verdict ?? { light: "waiting", points: [], advice: [], vehicles: [], notes: [] };
  show(state.still ? "red" : verdict.light, state.still ? ["✗", t("NO PICTURE")] : undefined);
  const of = state.lane ? `${capital(state.lane)}: ` : "";
  by("advice").replaceChildren(...verdict.advice.map((said) => item(of + said)));
  by("points").replaceChildren(...verdict.points.map(row));
  by("notes").textContent = verdict.notes.join(" ");
  const moved = state.moved ? t("The view has moved: vehicles seen before that no longer count.") : "";
  if (by("moved").textContent !== moved) by("moved").textContent = moved;
  by("vehicles").textContent = spokenOf(state, verdict.vehicles);
  lanes(state);
  outlines(state.drawn);
  by("by").textContent = state.light ? t("Seen in {light}", { light: LIGHTS[state.light] }) : "—";
  by("still").textContent = state.still ?? t("live");
  const kept = state.accepted.includes(state.light) && !state.outdated.includes(state.light);
  const ready = !state.still && state.ready && verdict.light === "green";
  by("accept").disabled = !ready;
  by("accept").className = kept ? "kept" : "";
  by("accept").textContent = acceptance(state, kept, ready, verdict.light === "green" && !state.ready);
  infrared = state.illuminated;
  by("infrared").setAttribute("aria-pressed", String(infrared));
  by("infrared").textContent = infrared ? t("Infrared lamp off") : t("Infrared lamp on");
  const accepted = state.accepted
    .map((light) => (state.outdated.includes(light) ? t("{light} (the view has moved since)", { light: LIGHTS[light] }) : LIGHTS[light]))
    .join(", ");
  done = [
    t("Technician: {name}.", { name: state.who }),
    accepted ? t("Accepted in: {lights}.", { lights: accepted }) : t("Nothing accepted yet."),
  ];
  const left = t("This page closes in {minutes} min.", { minutes: Math.ceil(state.seconds_left / 60) });
  by("foot").textContent = [...done, left].join(" ");
  // One picture at a time: a slow radio shows fewer, and none is broken off.
  if (state.number !== null && by("picture").complete) by("picture").src = `/see/picture/${state.number}`;
}

// What it was told, null where that was nothing, or where no answer came and there is nothing to decide.
async function press(what) {
  by("said").textContent = "";
  try {
    const answer = await fetch(`/do/${what}`, { method: "POST" });
    const json = (answer.headers.get("content-type") ?? "").includes("json");
    const said = json ? (await answer.json()).said : await answer.text();
    if (said) by("said").textContent = said;
    return json ? said : null;
  } catch {
    by("said").textContent = t("The unit does not answer: is this phone or laptop still on its network?");
    return null;
  }
}

by("accept").addEventListener("click", () => press("accept"));
by("forget").addEventListener("click", () => press("forget"));
by("done").addEventListener("click", async () => {
  const why = await press("done");
  if (!why) return;
  by("said").textContent = "";
  by("why").textContent = t("{why}. Go back and fix it, or close anyway?", { why: capital(why) });
  by("unfinished").showModal();
});
by("back").addEventListener("click", () => by("unfinished").close());
by("anyway").addEventListener("click", () => press("done-anyway"));
by("draw").addEventListener("click", () => {
  begun = press("draw");
});
by("undo").addEventListener("click", () => press("undo"));
by("picture").addEventListener("click", async (event) => {
  if (!drawing && !begun) return;
  const place = by("picture").getBoundingClientRect();
  await begun; // a quick thumb's corner is not lost, nor there before its lane
  press(`corner?x=${(event.clientX - place.left) / place.width}&y=${(event.clientY - place.top) / place.height}`);
});
by("naming").addEventListener("submit", async (event) => {
  event.preventDefault();
  if ((await press(`keep?name=${encodeURIComponent(by("name").value)}`)) === null) by("name").value = "";
});
by("infrared").addEventListener("click", () => press(infrared ? "day" : "infrared"));

function noContact() {
  show("red", ["✗", t("NO CONTACT")]);
  by("still").textContent = t("no contact");
  by("accept").disabled = true;
}

function listen() {
  stream?.close();
  stream = new EventSource("/see/events");
  stream.onmessage = (event) => {
    heard = Date.now();
    told(JSON.parse(event.data));
  };
  stream.onerror = noContact;
}

listen();
// A cable that was pulled and a phone that slept say nothing: what stands here then is no view of this moment.
setInterval(() => {
  if (closed || Date.now() - heard < SILENT_MS) return;
  noContact();
  heard = Date.now();
  listen();
}, 1000);
