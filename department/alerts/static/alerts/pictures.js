// Shows a hit's pictures: the plate at whole multiples of its pixels, the passage's other frames, a loupe, and the vehicle.
import { at, text } from "./page.js";

const LOUPE_PART = 0.55, MIDDLE = 0.55, EDGE = 0.08;  // of the plate's height, twice; of its width, beside the text
const plate = at("plate"), vehicle = at("vehicle"), loupe = at("loupe"), mark = at("mark"), frame = at("plate-figure"), caption = at("under-loupe");
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
  frame.hidden = !views.length;
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
  const image = views[chosen]?.image, room = frame.clientWidth;
  if (!image || !room) return;
  const each = Math.max(1, Math.floor(Math.min(room / image.width, frame.clientHeight / image.height) * devicePixelRatio));
  plate.style.width = `${(image.width * each) / devicePixelRatio}px`;
}

// Enlarges the place of a character, of so many, or where the pointer is; nothing where null. With a character, the whole
// plate and what is listed stand below it.
export function point(where) {
  spot = where;
  const image = views[chosen]?.image, one = spot?.count !== undefined;
  loupe.hidden = !spot || !image;
  caption.hidden = loupe.hidden || !one;
  frame.classList.toggle("comparing", !caption.hidden);
  mark.hidden = true;
  if (loupe.hidden) return;
  const { x, y, width, exact } = one ? character(image, spot) : spot;
  const each = Math.max(3, Math.floor(loupe.clientHeight / (image.height * LOUPE_PART)));
  loupe.width = loupe.clientWidth;
  loupe.height = loupe.clientHeight;
  const pen = loupe.getContext("2d"), [wide, high] = [loupe.width / each, loupe.height / each];
  const seen = spot.listed ? wide - (loupe.height * 0.6) / each : wide;  // the listed one stands beside it
  pen.imageSmoothingEnabled = false;
  pen.fillStyle = "#777";
  pen.fillRect(0, 0, loupe.width, loupe.height);
  const left = Math.round(x * image.width - seen / 2), top = Math.round(y * image.height - high / 2);
  pen.drawImage(image, left, top, wide, high, 0, 0, loupe.width, loupe.height);
  caption.textContent = spot.words ?? "";
  mark.hidden = !exact;
  if (exact) {  // else a box would be beside it
    Object.assign(mark.style, { left: `${(x - width / 2) * 100}%`, width: `${width * 100}%` });
    const from = ((x - width / 2) * image.width - left) * each - 4, across = width * image.width * each + 8;
    pen.fillStyle = "#000a";
    pen.fillRect(0, 0, from, loupe.height);
    pen.fillRect(from + across, 0, loupe.width, loupe.height);
    pen.strokeStyle = "#e5189b";
    pen.lineWidth = 4;
    pen.strokeRect(from, 2, across, loupe.height - 4);
  }
  if (spot.listed) beside(pen, spot.listed);
}

// The listed character, as large, beside the one in the picture.
function beside(pen, character) {
  const { width, height } = loupe, wide = Math.round(height * 0.6);
  pen.fillStyle = "#fff";
  pen.fillRect(width - wide, 0, wide, height);
  pen.fillStyle = "#111";
  pen.textAlign = "center";
  pen.font = `700 ${Math.round(height * 0.8)}px ui-monospace, monospace`;
  pen.fillText(character, width - wide / 2, height * 0.85);
  pen.font = "700 14px system-ui, sans-serif";
  pen.fillText(text("as_listed"), width - wide / 2, 16);
}

// Where a character is. Readers give no positions: it is where the picture has ink, if there are as many pieces as
// characters. Otherwise its place is only about right.
function character(image, { place, count }) {
  const piece = views[chosen].named[0] === "as_seen" ? undefined : pieces(image, count)?.[place];
  if (piece) return { x: (piece.from + piece.to) / 2 / image.width, y: MIDDLE, width: (piece.to - piece.from) / image.width, exact: true };
  const width = (1 - 2 * EDGE) / count;
  return { x: EDGE + (place + 0.5) * width, y: MIDDLE, width };
}

const NARROW = 0.015, SIDE = 0.07, WIDE = 1.55;  // of the picture's width; of a usual character's width
const known = new WeakMap();  // by picture, ways to part it

// From where to where each character reaches, in columns of a plate's picture; undefined where there are not as many pieces.
function pieces(image, count) {
  if (!known.has(image)) known.set(image, parted(image));
  for (const columns of known.get(image)) {
    const usual = columns.map(({ from, to }) => to - from).sort((one, other) => one - other)[columns.length >> 1];
    const apart = columns.flatMap(({ from, to }) => {  // two that touch
      const parts = Math.max(1, Math.round((to - from) / usual / WIDE + 0.2)), wide = (to - from) / parts;
      return Array.from({ length: parts }, (_, part) => ({ from: from + wide * part, to: from + wide * (part + 1) }));
    });
    if (apart.length === count) return apart;
  }
  return undefined;
}

// Ink is what differs from the ground; the ground is the middle tone of the picture's middle, or, where characters fill it,
// its lighter or its darker part. The text is the rows around the middle that have ink, or, where a line above or below it
// touches them, the middle alone.
function parted(image) {
  const { width, height } = image, canvas = new OffscreenCanvas(width, height), pen = canvas.getContext("2d");
  pen.drawImage(image, 0, 0);
  const { data } = pen.getImageData(0, 0, width, height), left = Math.round(width * SIDE), right = width - left;
  const gray = Float32Array.from({ length: width * height }, (_, at) => data[4 * at] * 0.3 + data[4 * at + 1] * 0.6 + data[4 * at + 2] * 0.1);
  const sorted = gray.slice(Math.round(height * 0.35) * width, Math.round(height * 0.75) * width).sort();
  const tone = (part) => sorted[Math.floor(sorted.length * part)];
  const ways = [], band = [Math.round(height * 0.4), Math.round(height * 0.7)];
  for (const ground of [tone(0.5), tone(0.75), tone(0.25)]) {
    const contrast = Math.max(ground - tone(0.03), tone(0.97) - ground);
    for (const least of [0.5, 0.65, 0.35]) {
      const inked = (x, y) => Math.abs(gray[y * width + x] - ground) > contrast * least;
      const row = (y) => { let sum = 0; for (let x = left; x < right; x++) sum += inked(x, y); return sum / (right - left); };
      let top = Math.round(height * MIDDLE), bottom = top;
      while (top > 0 && row(top - 1) > 0.1) top--;
      while (bottom < height - 1 && row(bottom + 1) > 0.1) bottom++;
      for (const [first, last] of [[top, bottom], band]) {
        const column = Array.from({ length: width }, (_, x) => { let sum = 0; for (let y = first; y <= last; y++) sum += inked(x, y); return sum / (last - first + 1); });
        for (const some of [0.06, 0.12, 0.2]) {
          const columns = [];
          for (let x = 0, from = -1; x <= width; x++) {
            if (column[x] > some) { if (from < 0) from = x; } else if (from >= 0) { columns.push({ from, to: x }); from = -1; }
          }
          ways.push(columns.filter(({ from, to }) => to - from >= width * NARROW && from + to > 2 * left && from + to < 2 * right));  // no frame
        }
      }
    }
  }
  return ways.filter((columns) => columns.length);
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
new ResizeObserver(() => { fit(); point(spot); }).observe(frame);
export const next = () => views.length && choose((chosen + 1) % views.length);
