// On every page but the console: that a hit waits for this person, with sound, and without a plate. A person who has the
// console open, here or elsewhere, gets the sound there. On the console, too: what waits for a supervisor.
import { chime, notify, sounds, wake } from "./alarm.js";

const EVERY_MS = 5000;
let shown = "";

async function look() {
  const answer = await fetch("/console/waiting/", { headers: { "Platepost-Refresh": "1" }, cache: "no-store" }).catch(() => null);
  if (answer && (answer.redirected || answer.status === 403)) return;  // signed out
  if (answer?.ok) show(await answer.json());
  setTimeout(look, EVERY_MS);
}

function show({ text, show: words, silent, link, urgent }) {
  const banner = document.getElementById("hit-waits") ?? (document.getElementById("notices") ?? document.body).appendChild(Object.assign(document.createElement("div"), { id: "hit-waits" }));
  banner.hidden = !text;
  if (text && text !== shown) {
    const what = Object.assign(document.createElement("b"), { textContent: text });
    banner.setAttribute("role", "alert");
    banner.replaceChildren(what, " ", Object.assign(document.createElement("a"), { href: link, textContent: words }));
    notify(text, { tag: "hit" });
  }
  shown = text;
  // Browsers play nothing on a page that no one has touched.
  banner.dataset.silent = text && !sounds() ? silent : "";
  if (text) chime(urgent ? 1 : 2);
}

for (const kind of ["pointerdown", "keydown"]) document.addEventListener(kind, wake);
if (navigator.userActivation?.hasBeenActive) wake();
look();
