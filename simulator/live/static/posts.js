// The post that is shown: its view, its pulse, and what is wrong with it.
const RETRY_MS = 2000, AGE_MS = 5000;
const at = (id) => document.getElementById(id);
const calm = matchMedia("(prefers-reduced-motion: reduce)");
const NAMES = { unplugged: "no power", silent: "not heard" };
const statuses = {}, pulses = {};
let desk = { posts: {} };

export const shown = () => document.querySelector("input[name=post]:checked").value;

export function watchPosts() {
  for (const choice of document.querySelectorAll("input[name=post]")) choice.addEventListener("change", change);
  at("view").addEventListener("error", () => setTimeout(look, RETRY_MS));
  calm.addEventListener("change", look);
  setInterval(refresh, AGE_MS);
  // After the page's own load, which would otherwise never end.
  addEventListener("load", change);
  if (document.readyState === "complete") change();
}

function change() {
  look();
  refresh();
  document.dispatchEvent(new CustomEvent("post"));
}

function look() {
  const view = at("view");
  view.alt = `What ${shown()} sees, with plates outlined`;
  if (!desk.posts[shown()]?.power) return view.removeAttribute("src");
  view.src = `/posts/${shown()}/view?${calm.matches ? "calm&" : ""}${Date.now()}`;
}

export function takeDesk(state) {
  const before = desk.posts[shown()]?.power;
  desk = state;
  if (desk.posts[shown()]?.power !== before) look();
  refresh();
}

export function showStatus(event) {
  statuses[event.post] = event;
  refresh();
}

export function showHealth(event) {
  pulses[event.post] = event;
  refresh();
}

function refresh() {
  for (const card of document.querySelectorAll(".post")) badge(card);
  warn();
  const name = shown(), post = desk.posts[name], status = statuses[name], pulse = pulses[name];
  const put = (key, text) => { document.querySelector(`[data-pulse=${key}]`).textContent = text; };
  put("rate", pulse ? pulse.rate.toFixed(1) : "-");
  put("dropped", pulse ? pulse.dropped : "-");
  put("queue", pulse ? pulse.queue : "-");
  put("list", status?.list ? `version ${status.list}` : "-");
  at("dark").hidden = !post || post.power;
  if (post && !post.power) at("dark").textContent = post.failure ? "The post has ended:\n" + post.failure : "The post has no power";
  const reasons = at("reasons"), wanted = post?.power && status && status.state !== "offline" ? status.reasons : [];
  const text = JSON.stringify(wanted);
  if (reasons.dataset.shown === text) return;
  reasons.dataset.shown = text;
  reasons.replaceChildren(...wanted.map((reason) => {
    const line = document.createElement("li"), head = document.createElement("b");
    line.className = reason.severity;
    head.textContent = `${reason.name} (${reason.severity})`;
    line.append(head, ". " + reason.message);
    return line;
  }));
}

// A post that died together with its broker says nothing: its last status is good for so long, and then it is silent.
function stateOf(status) {
  return !status ? "starting" : Date.now() > 1000 * (status.good_until ?? Infinity) ? "silent" : status.state;
}

// No hits may mean no vehicles, or a post that does not see them.
function warn() {
  const unwell = Object.keys(desk.posts).filter((name) => wordOf(name) !== "online" && severityOf(name) !== "minor").map((name) => `${name} (${labelOf(name)})`);
  const line = at("missing"), text = `Vehicles may be missing. Not in order: ${unwell.join(", ")}.`;
  line.hidden = unwell.length === 0;
  if (line.textContent !== text) line.textContent = text;
}

function wordOf(name) {
  const post = desk.posts[name];
  return post && !post.power ? "unplugged" : stateOf(statuses[name]);
}

// How bad the worst of its faults is.
function severityOf(name) {
  return wordOf(name) === "degraded" ? statuses[name].severity : null;
}

function labelOf(name) {
  const word = wordOf(name), severity = severityOf(name);
  return severity ? `${word}, ${severity}` : NAMES[word] ?? word;
}

function badge(card) {
  const name = card.dataset.post, word = wordOf(name);
  const field = card.querySelector("[data-field=state]");
  field.textContent = word === "silent" ? `silent since ${statuses[name].time}` : labelOf(name);
  field.className = `state ${word} ${severityOf(name) ?? ""}`;
}
