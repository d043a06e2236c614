// The page's heart: hears the desk's events and hands each to whom it concerns.
import { connectControls, showDesk } from "./controls.js";
import { addAudit, addHit, addRead, withdraw } from "./cards.js";
import { showHealth, showStatus, watchPosts } from "./posts.js";

const link = document.getElementById("link");
let heard = "";

const handlers = {
  desk: showDesk,
  status: showStatus,
  health: showHealth,
  hit: addHit,
  read: addRead,
  withdrawn: withdraw,
  audit: addAudit,
};

function say(text, state) {
  if (link.textContent !== text) link.textContent = text;
  link.className = "link " + state;
}

connectControls();
watchPosts();
const source = new EventSource("/events");
source.addEventListener("open", () => say("Live", "live"));
source.addEventListener("error", () => say("The desk does not answer; trying again", "lost"));
source.addEventListener("message", (message) => {
  const run = message.lastEventId.split("-")[0];
  // Another desk at the same address: other posts, and nothing of what is shown was theirs.
  if (heard && run !== heard) return location.reload();
  heard = run;
  const event = JSON.parse(message.data);
  handlers[event.kind]?.(event);
});
