// Comparing by eye, by key: one character after the other, or all in one deliberate act while the loupe passes each.
import { at } from "./page.js";
import { point } from "./pictures.js";

const BEGIN_MS = 450, PASS_MS = 450, LIKE_MS = 900, DECIDE_MS = 800;  // how long each character is under the loupe
const hit = at("hit");
let held = null;  // what is held down, and since when it waits for what

const characters = () => (hit.dataset.eye ? [...hit.querySelectorAll(".compared fieldset")] : []);
const answered = (list) => list.querySelector("input[type=radio]:checked");

// Shows a character under the loupe: its place, what is listed, and what it is easily taken for.
function under(list) {
  if (!list || !hit.dataset.eye) return point(null);
  const all = characters(), read = all.filter((each) => each.querySelector("[data-read]"));
  const before = read.filter((each) => all.indexOf(each) < all.indexOf(list)).length;  // the list may have one more
  point({ place: Math.min(before, read.length - 1), count: read.length, words: list.dataset.words });
}
hit.addEventListener("focusin", ({ target }) => under(target.closest(".compared fieldset")));
hit.addEventListener("focusout", ({ relatedTarget }) => { if (!relatedTarget?.closest?.(".compared fieldset")) under(null); });

function answer(list, value) {
  const radio = [...list.querySelectorAll("input[type=radio]")].find((each, place) => each.value === value || String(place + 1) === value);
  if (!radio) return false;
  radio.checked = true;
  const shows = list.querySelector(".shows input");
  if (radio.value === "not_practical") list.closest("form").elements.note.focus();
  else if (radio.value === "d" && shows) shows.focus();
  else onward(list);
  return true;
}

function onward(list) {
  const groups = [...hit.querySelectorAll("fieldset")].filter((each) => each.offsetParent && each.querySelector("input[type=radio]"));
  const next = groups[groups.indexOf(list) + 1];
  const form = list.closest("form");
  if (next && form.contains(next)) (next.querySelector("input:checked") ?? next.querySelector("input")).focus();
  else [...form.elements].find((each) => each.type === "submit").focus();
}

// Held down, "same" goes on from character to character. Each is under the loupe for a while before it is answered.
// It stops at one that differs, has a look-alike, or that the camera was not sure of: there it takes another press. Nothing is answered
// after the key is up, on another hit, or while no one sees the page.
function pass(list, seen) {
  const revision = hit.dataset.revision, record = list.closest("form").elements.hit.value;
  const wait = (milliseconds) => { held.timer = setTimeout(go, milliseconds); };
  held = { timer: 0 };
  hit.classList.add("passing");
  if (seen) answer(list, "s"); else list.querySelector("input").focus();
  function go() {
    const next = document.activeElement.closest?.(".compared fieldset");
    const form = next?.closest("form");
    if (!next || form.elements.hit.value !== record || hit.dataset.revision !== revision) return stop();
    if (next.dataset.close !== undefined || answered(next)) return stop();
    answer(next, "s");
    if (document.activeElement.closest?.(".compared fieldset")) return wait(time());
    return stop();
  }
  const time = () => (document.activeElement.closest("li")?.classList.contains("alike") ? LIKE_MS : PASS_MS);
  if (document.activeElement.closest?.(".compared fieldset")) wait(Math.max(BEGIN_MS, time())); else stop();
}

// One that no one has seen under the loupe is shown first.
function begin(list, seen) {
  if (seen || list.dataset.close === undefined) pass(list, seen); else list.querySelector("input").focus();
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
  held?.button?.classList.remove("holding");
  hit.classList.remove("passing");
  held = null;
}

export function press(key, target) {
  const list = target.closest("#hit fieldset");
  if (key === "s" && hit.dataset.eye) {
    const first = list?.closest(".compared") ? list : characters().find((each) => !answered(each));
    if (!first) return false;
    begin(first, first === list);
    return true;
  }
  if (key === "a") {
    const button = hit.querySelector("[data-decides]");
    if (!button?.offsetParent) return false;
    decide(button);
    return true;
  }
  return Boolean(list) && (list.closest(".compared") ? /^[di]$/ : /^[1-5]$/).test(key) && answer(list, key);
}

for (const [kind, where] of [["keyup", document], ["pointerup", document], ["pointercancel", document], ["blur", window], ["visibilitychange", document]]) {
  where.addEventListener(kind, () => { if (held) stop(); });
}
document.addEventListener("pointerdown", (event) => {
  const button = event.target.closest?.("#hit [data-decides], #hit [data-passes]");
  if (!button || event.button) return;
  event.preventDefault();  // the focus is the character's
  if (button.dataset.decides) return decide(button);
  const first = characters().find((each) => !answered(each));
  if (!first) return;
  begin(first, first === document.activeElement.closest?.(".compared fieldset"));
});
// Where one differs, nothing more need be compared: the keys are the hit's again.
hit.addEventListener("input", ({ target }) => {
  if (target.dataset.read && target.value) hit.focus({ preventScroll: true });
});
