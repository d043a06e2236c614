// The hit that is open: its facts, its pictures, what may be done next, and its repeats. Updates take nothing away from
// who works on it: see redraw.js.
import * as comparing from "./comparing.js";
import { copied } from "./copying.js";
import { gone, hits, together } from "./hits.js";
import { at, me, named, set, text } from "./page.js";
import * as pictures from "./pictures.js";
import { receiving } from "./receiving.js";

const PARTS = ["facts", "compare", "steps", "done", "hit-name"], REPEATS = 40;
const painted = new WeakMap();  // by canvas of a repeat, the picture
export const present = { record: null };  // of the hit that is open

// The hit of which this person has just sent a step, or that they have just opened; and whether the pointer has moved since
// it last became another thing than they saw.
let own = null;
export const acted = (record) => { own = record; };
export const changed = { at: 0, moved: true };
document.addEventListener("pointermove", () => { changed.moved = true; });

// Opens a hit as the person has asked.
export function show(record) {
  requested = null;
  own = record;
  display(record);
}

function display(record) {
  const hit = hits.get(record), article = at("hit");
  if (present.record !== record) {
    if (present.record !== null && own !== record) Object.assign(changed, { at: Date.now(), moved: false });
    // What someone has begun on one hit must not go on with another.
    comparing.stop();
    if (article.contains(document.activeElement)) article.focus({ preventScroll: true });
    for (const id of PARTS) at(id).replaceChildren();
    delete article.dataset.state;
    delete article.dataset.eye;
    delete article.dataset.early;
    if (Math.round(article.getBoundingClientRect().top) < 0) article.scrollIntoView();
    sessionStorage.setItem("hit", record);
  }
  present.record = record;
  article.hidden = false;
  redraw(at("facts"), hit.facts || `<p class='bad'>${text(hit.facts === undefined ? "loading" : "unreadable")}</p>`);
  redraw(at("compare"), hit.compare ?? "");
  pictures.show(hit.pictures ?? null);
  showSteps(hit);
}

// Takes what came of the open hit: all of it, where more than its steps has changed.
export function update(former, hit) {
  if (former && former.facts === hit.facts && hit.facts) showSteps(hit); else display(hit.record);
}

export function close() {
  present.record = null;
  at("hit").hidden = true;
  for (const id of PARTS) at(id).replaceChildren();
  pictures.show(null);
}

// A page that is loaded again, or comes back from the review of the lists, stays at its hit; a link may name one, too.
// Until all that is open has come, it may still be on its way: meanwhile, the first of the queue is shown.
let requested = Number(location.hash.slice(1)) || Number(sessionStorage.getItem("hit"));
history.replaceState(null, "", location.pathname);

export function open(first) {
  if (hits.has(requested)) own = requested;  // this person loaded the page again
  display(hits.has(requested) ? requested : first.record);
}

// All that is open has come: returns whether the requested hit was among it.
export function settle() {
  const came = hits.has(requested);
  if (came) display(requested);
  requested = null;
  return came;
}

function showSteps(hit) {
  const article = at("hit"), began = own === hit.record && document.activeElement === document.body;
  const focused = article.contains(document.activeElement) ? document.activeElement : began ? article : null;
  const before = `${article.dataset.state} ${article.dataset.eye ?? ""}`;
  article.dataset.state = hit.state;
  article.dataset.revision = hit.revision;
  const theirs = hit.holder && hit.holder !== me;
  article.classList.toggle("theirs", theirs);
  article.classList.toggle("helped", hit.second_by === me);
  // The person who compared first is not asked to be the second, and no one compares in another's place.
  const asked = hit.eye === "second" ? (hit.eye_by === me ? "" : "second") : theirs ? "" : hit.eye;
  const other = (article.dataset.eye ?? "") !== asked;
  if (asked) article.dataset.eye = asked; else delete article.dataset.eye;
  redraw(at("hit-name"), parts(hit).filter((each) => each.className !== "stands"));
  redraw(at("steps"), hit.steps ?? "");
  if (at("reread")) set(at("reread"), hit.reread ? text("reread", hit) : "");
  showOthers();
  redraw(at("done"), hit.done ?? "");
  at("cad").hidden = !hit.line;
  at("cad").classList.toggle("verified", Boolean(hit.is_verified));
  set(at("line"), `${hit.verified}: ${hit.line ?? ""}`);
  copied(false);
  const eye = at("compare").querySelector(".eye");
  if (eye) {
    if (other) eye.reset();
    eye.elements.step.value = asked;
    eye.elements.revision.value = hit.revision;
  }
  // To what comes next, if this person has made it another thing; but whoever is on something that stays goes on with it.
  // What became another thing without them gets no key that was meant for the former one: `w` leads to its answers.
  // Nor do the outcomes of a hit on which officers only begin to act.
  const another = before !== `${hit.state} ${asked}`, mine = own === hit.record && !gone(hit) && hit.state !== "actionable";
  if (another && hit.steps !== undefined) own = null;
  if (another && !mine && !before.startsWith("undefined")) Object.assign(changed, { at: Date.now(), moved: false });
  const onward = focused === article ? another : !focused?.offsetParent;
  if (focused && onward && !(mine && toAnswers())) article.focus({ preventScroll: true });
}

// Who else could be the second person: those who have this page open.
export function showOthers() {
  const others = at("others");
  if (!others) return;
  set(others, receiving.others.length ? text("others", { people: receiving.others.join(", ") }) : text("no_others"));
  others.classList.toggle("bad", !receiving.others.length);
}

// Leads to the first answer of what is asked now; returns whether there is one.
export function toAnswers() {
  const eye = at("hit").dataset.eye && at("compare").querySelector(".eye");
  const choice = (eye || at("steps")).querySelector("form > fieldset input[type=radio], .compared input[type=radio]");
  if (!choice?.offsetParent) return false;
  choice.focus({ preventScroll: true });
  return true;
}

// What a row of the queue, or the first line of the hit, has of it.
export function parts(hit) {
  const part = (text, kind = "") => Object.assign(document.createElement("span"), { textContent: text, className: kind });
  const stands = part([hit.status, hit.holder, hit.decided].filter(Boolean).join(" · "), "stands");
  const { plate, other } = plates(hit);
  const listed = other ? [part(other, plate === hit.plate ? "listed" : "read")] : [];
  if (hit.other_state) listed.push(part(text("other_state", hit), "listed"));
  return [part(text("priority", hit), "priority"), part(named(hit.category), "category"), part(plate || "…", "plate"), ...listed, part(hit.place, "place"), stands, aging(hit)];
}

// The plate that stands for a hit: as it was read, or, once people have found in the picture what is listed, as it is listed.
export function plates(hit) {
  if (!hit.listed) return { plate: hit.plate };
  return hit.as_listed ? { plate: hit.listed, other: text("read", hit) } : { plate: hit.plate, other: text("listed", hit) };
}

export function aging(hit) {
  const age = Object.assign(document.createElement("span"), { className: "age" });
  age.dataset.captured = hit.captured;
  return age;
}

// Where the hit is beside the queue, the page stays where it is.
export function attend() {
  const article = at("hit");
  article.focus({ preventScroll: true });
  if (article.getBoundingClientRect().left < at("queued").getBoundingClientRect().right) article.scrollIntoView();
}

// The records of the hit and its repeats, of which the page needs the pictures.
export function needed() {
  const hit = hits.get(present.record);
  return hit ? [hit.record, ...together(hit).slice(0, REPEATS).map((each) => each.record)] : [];
}

// Below a hit, the pictures of its repeats: a decision answers those that are shown, and no others.
export function showRepeats() {
  const hit = hits.get(present.record), again = hit ? together(hit).filter((each) => each.facts).slice(0, REPEATS) : [];
  at("repeats").hidden = !again.length;
  at("repeats-name").textContent = text(again.length === 1 ? "repeat" : "repeats", { count: again.length });
  arrange(at("repeats-list"), again.map((each) => {
    const id = `repeat-${each.record}`;
    if (at(id)) return at(id);
    const item = Object.assign(document.createElement("li"), { id }), canvas = document.createElement("canvas");
    const place = Object.assign(document.createElement("span"), { textContent: each.place });
    item.dataset.record = each.record;
    canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-label", text("repeat_picture", each));
    item.append(canvas, place, aging(each));
    paint(canvas, each.pictures?.patch ?? each.pictures?.overview);
    return item;
  }));
}

async function paint(canvas, picture) {
  if (!picture) { canvas.remove(); return; }
  if (painted.get(canvas) === picture) return;
  painted.set(canvas, picture);
  pictures.draw(canvas, await pictures.decoded(picture));
}
