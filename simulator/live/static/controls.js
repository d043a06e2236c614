// Everything that can be pressed. What a switch shows is what the desk says, never what was merely asked for.
import { shown, takeDesk } from "./posts.js";

const PROBLEM_MS = 8000;
const at = (id) => document.getElementById(id);
const LAMPS = {
  status_light: { off: ["", "off"], starting: ["amber", "starting"], in_service: ["green", "in service"], degraded: ["amber", "degraded"], fault: ["red", "fault"] },
  illuminator: { true: ["violet", "on"], false: ["", "off"] },
  camera_power: { true: ["green", "on"], false: ["", "off"] },
  tamper: { true: ["red", "case open"], false: ["green", "case closed"] },
};
let desk = null, hiding = 0;

export function connectControls() {
  at("pause").addEventListener("click", () => pace({ paused: !desk?.paused }));
  for (const choice of document.querySelectorAll("input[name=pace]"))
    choice.addEventListener("change", () => pace({ factor: Number(choice.value) }));
  at("broker").addEventListener("click", () => ask("/broker", { on: !desk?.broker }));
  at("tamper").addEventListener("click", () => ask(`/posts/${shown()}/tamper`, { on: !post()?.tamper }));
  at("network").addEventListener("click", () => ask(`/posts/${shown()}/network`, { on: !post()?.network }));
  at("power").addEventListener("click", () => ask(`/posts/${shown()}/power`, { on: !post()?.power }));
  at("list").addEventListener("submit", publish);
  document.addEventListener("post", refresh);
}

export function showDesk(state) {
  desk = state;
  takeDesk(state);
  refresh();
}

const post = () => desk?.posts[shown()];
const pace = (changed) => ask("/pace", { factor: desk?.factor ?? 1, paused: desk?.paused ?? false, ...changed });

async function send(path, options) {
  const answer = await fetch(path, { method: "POST", ...options });
  const said = await answer.json();
  if (!answer.ok) throw new Error(said.error);
  return said;
}

async function ask(path, body) {
  try {
    await send(path, { body: JSON.stringify(body), headers: { "Content-Type": "application/json" } });
  } catch (error) {
    complain(error.message);
    refresh();
  }
}

function complain(text) {
  const problem = at("problem");
  problem.textContent = text;
  problem.hidden = false;
  clearTimeout(hiding);
  hiding = setTimeout(() => { problem.hidden = true; }, PROBLEM_MS);
}

async function publish(submission) {
  submission.preventDefault();
  const file = at("file").files[0], reason = at("reason").value.trim(), button = at("publish");
  if (!file) return;
  button.disabled = true;
  answer("Building, signing and publishing", "");
  try {
    const query = reason ? "?reason=" + encodeURIComponent(reason) : "";
    const list = await send("/hot-list" + query, { body: await file.arrayBuffer() });
    answer(`Version ${list.version} with ${list.entries} entries is on the broker; the posts report when it is active.`, "good", refusals(list));
    at("list").reset();
  } catch (error) {
    answer(error.message, "bad");
  } finally {
    button.disabled = false;
  }
}

function refusals(list) {
  if (!list.refused) return [];
  const lines = list.rows.map((row) => `Line ${row.line}: ${row.reason}`);
  if (list.refused > lines.length) lines.push(`and ${list.refused - lines.length} more`);
  return [`${list.refused} rows were refused.`, ...lines];
}

function answer(text, state, lines = []) {
  const place = at("list-answer"), all = document.createElement("ul");
  place.className = state;
  for (const line of lines) all.append(Object.assign(document.createElement("li"), { textContent: line }));
  place.replaceChildren(text, ...(lines.length ? [all] : []));
}

function refresh() {
  if (!desk) return;
  const now = post();
  at("pause").setAttribute("aria-pressed", desk.paused);
  at("pause").textContent = desk.paused ? "Go on" : "Pause";
  for (const choice of document.querySelectorAll("input[name=pace]")) choice.checked = Number(choice.value) === desk.factor;
  at("broker").setAttribute("aria-checked", desk.broker);
  at("network").setAttribute("aria-checked", now.network);
  at("power").setAttribute("aria-checked", now.power);
  at("tamper").setAttribute("aria-pressed", now.tamper);
  at("tamper").textContent = now.tamper ? "Close the case" : "Open the case";
  document.querySelector("#board-title [data-name]").textContent = shown();
  for (const [line, looks] of Object.entries(LAMPS)) {
    const value = now.board[line], [color, word] = looks[value] ?? ["", value === undefined ? "dark" : String(value)];
    document.querySelector(`[data-lamp=${line}]`).className = "lamp " + color;
    document.querySelector(`[data-word=${line}]`).textContent = word;
  }
}
