// Shows a hit's pictures: the plate at whole multiples of its pixels, the passage's other frames, a loupe, and the vehicle.
import { at, text } from "./page.js";

const LOUPE_PART = 0.6, MIDDLE = 0.55, EDGE = 0.08;  // of the plate's height, twice; of its width, beside the text
const LOWEST = 165, HIGHEST = 330, BELOW = 635;  // CSS pixels: of the plate's picture, and of what a person decides by below it
const plate = at("plate"), vehicle = at("vehicle"), loupe = at("loupe"), mark = at("mark");
let shown = null, views = [], chosen = 0, spot = null;

export async function decoded(base64) {
  return createImageBitmap(new Blob([Uint8Array.from(atob(base64), (each) => each.charCodeAt(0))]));
}

export function draw(canvas, image) {
  canvas.width = image.width;
  canvas.height = image.height;
  canvas.getContext("2d").drawImage(image, 0, 0);
}

// Shows a hit's pictures; the same ones again change nothing, so that a view someone has chosen stays.
export async function show(pictures) {
  if (pictures === shown) return;
  shown = pictures;
  const { patch, more = [], crop, overview } = pictures ?? {};
  const [whole, ...plates] = await Promise.all([overview, patch, ...more, crop].map((each) => each && decoded(each)));
  if (pictures !== shown) return;  // another hit meanwhile
  const named = [["frame", 1], ...more.map((_, place) => ["frame", place + 2]), ["as_seen", 0]];
  views = plates.map((image, place) => ({ image, named: named[place] })).filter((each) => each.image);
  chosen = 0;
  at("pictures").hidden = !views.length && !whole;
  at("plate-figure").hidden = !views.length;
  at("vehicle-figure").hidden = !whole;
  if (whole) draw(vehicle, whole);
  at("views").replaceChildren(...(views.length > 1 ? views.map(button) : []));
  choose(0);
}

function button({ named: [key, number] }, place) {
  const made = Object.assign(document.createElement("button"), { type: "button", textContent: text(key, { number }) });
  made.addEventListener("click", () => choose(place));
  return made;
}

function choose(place) {
  chosen = place;
  [...at("views").children].forEach((each, other) => each.setAttribute("aria-pressed", String(other === chosen)));
  if (views[chosen]) draw(plate, views[chosen].image);
  fit();
  point(spot);
}

// As many whole device pixels for each of the picture's as there is room for: nothing is blurred.
function fit() {
  const image = views[chosen]?.image, room = at("plate-figure").clientWidth;
  if (!image || !room) return;
  const tallest = Math.min(Math.max(innerHeight - BELOW, LOWEST), HIGHEST);  // the decision fits on the screen
  const each = Math.max(1, Math.floor(Math.min(room / image.width, tallest / image.height) * devicePixelRatio));
  plate.style.width = `${(image.width * each) / devicePixelRatio}px`;
}

// Enlarges the place of a character, of so many, or where the pointer is; nothing where null.
export function point(where) {
  spot = where;
  const image = views[chosen]?.image;
  loupe.hidden = !spot || !image;
  mark.hidden = loupe.hidden || spot.count === undefined || views[chosen].named[0] === "as_seen";
  if (loupe.hidden) return;
  const { x, y, width } = spot.count === undefined ? spot : character(spot);
  const canvas = loupe.querySelector("canvas"), box = at("vehicle-figure").hidden ? plate : at("vehicle-figure");
  const each = Math.max(3, Math.floor(box.clientHeight / (image.height * LOUPE_PART)));
  canvas.width = box.clientWidth;
  canvas.height = box.clientHeight;
  const pen = canvas.getContext("2d"), [wide, high] = [canvas.width / each, canvas.height / each];
  pen.imageSmoothingEnabled = false;
  const left = Math.round(x * image.width - wide / 2), top = Math.round(y * image.height - high / 2);
  pen.drawImage(image, left, top, wide, high, 0, 0, canvas.width, canvas.height);
  loupe.querySelector("p").textContent = spot.words ?? "";
  Object.assign(mark.style, { left: `${(x - width / 2) * 100}%`, width: `${width * 100}%` });
}

function character({ place, count }) {
  const width = (1 - 2 * EDGE) / count;
  return { x: EDGE + (place + 0.5) * width, y: MIDDLE, width };
}

function under(event) {
  const { left, top, width, height } = plate.getBoundingClientRect();
  point({ x: (event.clientX - left) / width, y: (event.clientY - top) / height, width: 0 });
}
for (const kind of ["pointermove", "pointerdown"]) plate.addEventListener(kind, under);
plate.addEventListener("pointerleave", () => point(null));
const filter = () => {
  at("pictures").style.setProperty("--contrast", `${at("contrast").value}%`);
  at("pictures").style.setProperty("--invert", at("invert").getAttribute("aria-pressed") === "true" ? "1" : "0");
};
at("contrast").addEventListener("input", filter);
at("invert").addEventListener("click", () => {
  at("invert").setAttribute("aria-pressed", String(at("invert").getAttribute("aria-pressed") !== "true"));
  filter();
});
at("enlarge").addEventListener("click", () => {
  const large = at("whole").querySelector("canvas");
  large.width = vehicle.width;
  large.height = vehicle.height;
  large.getContext("2d").drawImage(vehicle, 0, 0);
  at("whole").showModal();
});
new ResizeObserver(() => { fit(); point(spot); }).observe(at("plate-figure"));
export const next = () => views.length && choose((chosen + 1) % views.length);
