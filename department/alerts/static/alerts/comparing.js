// Comparing by eye: one character after the other, each under the loupe. The camera can be sure and wrong, so nothing passes
// over a character: a key that is held, or a button, answers the one that is shown, and no other.
import { at } from "./page.js";
import { point } from "./pictures.js";

const DECIDE_MS = 800, LOOK_MS = 300;
const hit = at("hit");
let look = null;  // until a character has been under the loupe for long enough to be seen
let held = null;  // the button that is held down

const characters = () => (hit.dataset.eye ? [...hit.querySelectorAll(".compared fieldset")] : []);
const answered = (list) => list.querySelector("input[type=radio]:checked");

// Shows a character under the loupe: its place, what is listed, and what it is easily taken for.
function under(list) {
  clearTimeout(look);
  delete at("under-loupe").dataset.seen;
  if (!list || !hit.dataset.eye) return point(null);
  look = setTimeout(() => { at("under-loupe").dataset.seen = ""; }, LOOK_MS);
  const all = characters(), read = all.filter((each) => each.querySelector("[data-read]"));
  const before = read.filter((each) => all.indexOf(each) < all.indexOf(list)).length;  // the list may have one more
  point({ place: Math.min(before, read.length - 1), count: read.length, words: list.dataset.words, listed: list.dataset.listed });
}
hit.addEventListener("focusin", ({ target }) => under(target.closest(".compared fieldset")));
hit.addEventListener("focusout", ({ relatedTarget }) => { if (!relatedTarget?.closest?.(".compared fieldset")) under(null); });

function answer(list, value) {
  const radio = [...list.querySelectorAll("input[type=radio]")].find((each, place) => each.value === value || String(place + 1) === value);
  if (!radio) return false;
  delete hit.dataset.early;
  radio.checked = true;
  const shows = list.querySelector(".shows input");
  if (radio.value === "not_practical") list.closest("form").elements.note.focus();
  else if (radio.value === "d" && shows) shows.focus();
  else onward(list);
  return true;
}

// Focuses what comes next; the page moves only where it would be out of sight.
function reach(element) {
  element.focus({ preventScroll: true });
  const { top, bottom } = element.getBoundingClientRect();
  if (top < 0 || bottom > innerHeight) element.scrollIntoView({ block: "nearest" });
}

function onward(list) {
  const groups = [...hit.querySelectorAll("fieldset")].filter((each) => each.offsetParent && each.querySelector("input[type=radio]"));
  const next = groups[groups.indexOf(list) + 1];
  const form = list.closest("form");
  if (next && form.contains(next)) reach(next.querySelector("input:checked") ?? next.querySelector("input"));
  else {
    const submit = [...form.elements].find((each) => each.type === "submit");
    // Where an answer speaks against the hit there is nothing to confirm, and no key changes that answer by accident.
    if (submit.checkVisibility({ visibilityProperty: true })) reach(submit);
    else hit.focus({ preventScroll: true });
  }
}

// Answers the character under the loupe; one that no one has seen there is shown first. "As listed", in a rhythm that is
// faster than the eye, is no answer.
function compare(value) {
  const all = characters(), shown = document.activeElement.closest?.(".compared fieldset");
  const seen = at("under-loupe").dataset.seen !== undefined;
  if (shown && all.includes(shown)) return value === "s" && !seen ? true : answer(shown, value);
  const first = all.find((each) => !answered(each));
  if (first) reach(first.querySelector("input"));
  return Boolean(first);
}

// A decision that a mere touch of a key must not make: the key, or the button, is held until the bar is full.
function decide(button) {
  const revision = hit.dataset.revision;
  held = { timer: setTimeout(() => {
    stop();
    if (!button.isConnected || hit.dataset.revision !== revision) return;
    const form = button.closest("form"), radio = form.querySelector(`input[type=radio][value="${button.dataset.decides}"]`);
    radio.checked = true;
    form.requestSubmit();
  }, DECIDE_MS), button };
  button.classList.add("holding");
}

export function stop() {
  clearTimeout(held?.timer);
  held?.button.classList.remove("holding");
  held = null;
}

export function press(key, target) {
  const list = target.closest("#hit fieldset");
  if (key === "s" && hit.dataset.eye) return compare("s");
  if (key === "a") {
    const button = hit.querySelector("[data-decides]");
    if (!button?.offsetParent) return false;
    decide(button);
    return true;
  }
  // The state and the vehicle come after the characters: a number before is no answer, and the page shows why.
  const early = hit.dataset.eye && /^[1-5]$/.test(key) && (!list || list.closest(".compared")) && characters().some((each) => !answered(each));
  if (early) {
    hit.dataset.early = "";
    return true;
  }
  return Boolean(list) && (list.closest(".compared") ? /^[di]$/ : /^[1-5]$/).test(key) && answer(list, key);
}

for (const [kind, where] of [["keyup", document], ["pointerup", document], ["pointercancel", document], ["blur", window], ["visibilitychange", document]]) {
  where.addEventListener(kind, () => { if (held) stop(); });
}
document.addEventListener("pointerdown", (event) => {
  const button = event.target.closest?.("#hit [data-decides], #hit [data-answers]");
  if (!button || event.button) return;
  event.preventDefault();  // the focus is the character's
  if (button.dataset.decides) decide(button);
});
hit.addEventListener("click", ({ target }) => {
  const button = target.closest("[data-answers]");
  if (button) compare(button.dataset.answers);
});
// Where one differs, nothing more need be compared: the keys are the hit's again.
hit.addEventListener("input", ({ target }) => {
  if (target.dataset.read && target.value) hit.focus({ preventScroll: true });
});
