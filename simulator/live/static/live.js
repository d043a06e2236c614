// The page's heart: hears the desk's events and hands each to whom it concerns.
import { connectControls, showDesk } from "./controls.js";
import { showHealth, showStatus, watchPosts } from "./posts.js";

const SILENT_MS = 15000, LOOK_MS = 1000, AUDITS = 60;
const link = document.getElementById("link");
let heard = "", answers = false, connected = false, heardAt = 0;

const handlers = {
  desk: (state) => { connected = state.connected; showDesk(state); },
  status: showStatus,
  health: showHealth,
  audit: addAudit,
};

// Newest first; what is old is let go of, so that a page may stay open for days.
function addAudit(event) {
  const line = document.getElementById("audit-line").content.firstElementChild.cloneNode(true);
  const put = (name, text) => { line.querySelector(`[data-field=${name}]`).textContent = text; };
  line.classList.add("fresh");
  line.classList.toggle("failure", event.outcome !== "success");
  put("action", event.action);
  put("more", [event.post, event.time + " UTC", event.more].filter(Boolean).join(" \u00b7 "));
  const list = document.getElementById("audit");
  list.prepend(line);
  while (list.childElementCount > AUDITS) list.lastElementChild.remove();
}

// What is shown is worth as much as what is heard: every post tells its health every two seconds.
function look() {
  if (!answers) return say("The desk does not answer; trying again", "lost");
  if (!connected) return say("Hears nothing: no connection to the broker", "lost");
  if (Date.now() - heardAt > SILENT_MS) return say("Hears nothing: every post is silent", "lost");
  say("Live", "live");
}

function say(text, state) {
  if (link.textContent !== text) link.textContent = text;
  link.className = "link " + state;
}

connectControls();
watchPosts();
setInterval(look, LOOK_MS);
const source = new EventSource("/events");
source.addEventListener("open", () => { answers = true; look(); });
source.addEventListener("error", () => { answers = false; look(); });
source.addEventListener("message", (message) => {
  const run = message.lastEventId.split("-")[0];
  // Another desk at the same address: other posts, and nothing of what is shown was theirs.
  if (heard && run !== heard) return location.reload();
  heard = run;
  const event = JSON.parse(message.data);
  if (event.kind !== "desk") heardAt = Date.now();
  handlers[event.kind]?.(event);
  look();
});
