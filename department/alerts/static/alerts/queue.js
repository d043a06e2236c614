// The queue at the left: a row for each vehicle, with its repeats folded under it. Only what is on the screen is drawn,
// however many hits are open.
import { aging, attend, parts, present, show } from "./hit.js";
import { hits, latest } from "./hits.js";
import { at, text } from "./page.js";

const ROWS = 30, REPEATS = 40;
const rows = new Map();  // by record
const drawn = new WeakMap();  // by row, the hit as it shows it
let length = ROWS, drawAgain = () => {};

// `again` is called where the person has opened another hit, or wants more rows.
export function begin(again) {
  drawAgain = again;
  const more = at("more");
  more.addEventListener("click", () => { length += ROWS; drawAgain(); });
  new IntersectionObserver((seen) => { if (seen.some((each) => each.isIntersecting)) more.click(); }).observe(more);
}

// Draws the first rows of the queue, and returns which records they show.
export function draw(all) {
  for (const record of rows.keys()) if (!hits.has(record)) rows.delete(record);
  const shown = all.slice(0, length);
  arrange(at("queue"), shown.map(({ head }) => row(head)));
  for (const { head, again } of shown) fold(row(head), again);
  at("more").hidden = all.length <= shown.length;
  at("more").textContent = text("more", { count: all.length - shown.length });
  for (const each of at("queue").querySelectorAll("button")) {
    if (Number(each.dataset.record) === present.record) each.setAttribute("aria-current", "true"); else each.removeAttribute("aria-current");
  }
  return shown.map(({ head }) => head.record);
}

function row(hit) {
  if (!rows.has(hit.record)) {
    const item = document.createElement("li"), button = document.createElement("button");
    button.dataset.record = hit.record;
    button.addEventListener("click", () => { show(hit.record); drawAgain(); attend(); });
    item.append(button);
    rows.set(hit.record, item);
  }
  const item = rows.get(hit.record);
  if (drawn.get(item) !== hit) {
    drawn.set(item, hit);
    item.firstChild.dataset.state = hit.state;
    redraw(item.firstChild, parts(hit));
  }
  return item;
}

// Under a row, what came of the same vehicle since: how often, where last, and how long ago.
function fold(item, again) {
  let more = item.querySelector(":scope > details");
  if (!again.length) return more?.remove();
  if (!more) {
    more = Object.assign(document.createElement("details"), { className: "again" });
    more.append(document.createElement("summary"), document.createElement("ol"));
    item.append(more);
  }
  const newest = [...again].sort(latest);
  redraw(more.firstChild, [new Text(`${text(again.length === 1 ? "once" : "again", { times: again.length, place: newest[0].place })} `), aging(newest[0])]);
  arrange(more.lastChild, newest.slice(0, REPEATS).map(row));
}
