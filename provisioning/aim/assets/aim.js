"use strict";
const by = (id) => document.getElementById(id);
const WORDS = { waiting: ["…", "WAITING"], red: ["✗", "NOT YET"], green: ["✓", "GOOD"] };
const LIGHTS = { day: "daylight", infrared: "infrared" };
let infrared = false;

function show(light, word) {
  by("light").className = light;
  [by("sign").textContent, by("word").textContent] = word ?? WORDS[light];
}

function row(point) {
  const line = document.createElement("tr");
  line.className = point.good ? "good" : "bad";
  for (const text of [point.name, point.value, point.limit]) {
    line.append(Object.assign(document.createElement("td"), { textContent: text }));
  }
  return line;
}

function item(text) {
  return Object.assign(document.createElement("li"), { textContent: text });
}

function told(state) {
  if (state.closed !== undefined) {
    stream.close();
    show("waiting", ["■", "CLOSED"]);
    by("advice").replaceChildren(item(`This page has closed: ${state.closed}.`));
    for (const button of document.querySelectorAll("button")) button.disabled = true;
    return;
  }
  const verdict = state.verdict ?? { light: "waiting", points: [], advice: [], vehicles: 0 };
  show(state.still ? "red" : verdict.light, state.still ? ["✗", "NO PICTURE"] : undefined);
  by("advice").replaceChildren(...verdict.advice.map(item));
  by("points").replaceChildren(...verdict.points.map(row));
  by("vehicles").textContent = verdict.vehicles ? `Judged by the last ${verdict.vehicles} vehicle(s).` : "";
  by("by").textContent = state.light ? `Seen by ${LIGHTS[state.light]}` : "—";
  by("still").textContent = state.still ?? "live";
  by("accept").disabled = Boolean(state.still) || !state.ready || verdict.light !== "green";
  by("accept").textContent = state.light ? `Accept this view by ${LIGHTS[state.light]}` : "Accept this view";
  infrared = state.illuminated;
  by("infrared").setAttribute("aria-pressed", String(infrared));
  by("infrared").textContent = infrared ? "Infrared lamp off" : "Infrared lamp on";
  const accepted = state.accepted.map((light) => LIGHTS[light]).join(" and ");
  by("foot").textContent = `${state.who}. ${accepted ? `Accepted by ${accepted}. ` : "Nothing accepted yet. "}`
    + `This page closes in ${Math.ceil(state.seconds_left / 60)} min.`;
  // One picture at a time: a slow radio shows fewer, and none is broken off.
  if (state.number !== null && by("picture").complete) by("picture").src = `/see/picture/${state.number}`;
}

async function press(what) {
  by("said").textContent = "";
  const answer = await fetch(`/do/${what}`, { method: "POST" });
  const said = (await answer.json()).said;
  if (said) by("said").textContent = said;
}

by("accept").addEventListener("click", () => press("accept"));
by("forget").addEventListener("click", () => press("forget"));
by("done").addEventListener("click", () => press("done"));
by("infrared").addEventListener("click", () => press(infrared ? "day" : "infrared"));

const stream = new EventSource("/see/events");
stream.onmessage = (event) => told(JSON.parse(event.data));
stream.onerror = () => show("red", ["✗", "NO CONTACT"]);
