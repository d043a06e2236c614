// What the person does about a hit: each form is one step, sent once; a second click is for what the first was for.
import { acted, changed } from "./hit.js";
import { at, post, showNotice, text, token } from "./page.js";

const sending = new WeakSet();

export function begin() {
  document.addEventListener("submit", submit);
}

async function submit(event) {
  const form = event.target;
  if (!form.dataset.form) {
    // A search in another tab: what came by the stream has no token.
    form.append(Object.assign(document.createElement("input"), { type: "hidden", name: "csrfmiddlewaretoken", value: token }));
    return;
  }
  event.preventDefault();
  if (sending.has(form)) return;  // twice is once
  sending.add(form);
  const body = new FormData(form, event.submitter), record = Number(body.get("hit"));
  body.set("repeats", [...at("repeats-list").children].map((each) => each.dataset.record).join());
  if (form.dataset.form === "reject") addSeen(body);
  acted(record);
  try {
    const answer = await post("step", body);
    showNotice(answer.status === 204 ? "" : answer.status === 403 || answer.redirected ? text("refused") : answer.headers.get("Content-Type").startsWith("text/plain") ? await answer.text() : text("not_done"));
    if (answer.status !== 204) acted(null);
  } catch {
    showNotice(text("unanswered"));
  }
  sending.delete(form);
}

// What was seen goes along with a rejection: which characters were misread, and what they are.
function addSeen(body) {
  const eye = at("compare").querySelector(".eye");
  if (!eye) return;
  for (const [name, value] of new FormData(eye)) if (!body.has(name)) body.set(name, value);
  const shown = [...eye.querySelectorAll(".shows input")].filter((each) => each.value && each.offsetParent);
  body.set("pairs", shown.map((each) => each.dataset.read + each.value.toUpperCase()).join(" "));
}

// The second click of a double click is for what the first was for, not for what has been drawn in its place since. Nor is
// one for what a withdrawal, or a colleague, has put under a pointer that has not moved since; a finger gets a moment.
const SOON_MS = 700;
const late = (event) => !changed.moved && (event.pointerType === "mouse" || Date.now() - changed.at < SOON_MS);
let clicked = null;
const control = (target) => target.closest("label") ?? target.closest("button, summary, a, input");
document.addEventListener("click", (event) => {
  const unmeant = event.detail > 0 && event.target.closest("#hit") && late(event);
  if (event.detail < 2 && !unmeant) clicked = control(event.target);
  else if (unmeant || control(event.target) !== clicked) {
    event.preventDefault();
    event.stopPropagation();
  }
}, true);
