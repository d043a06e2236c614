// Hits, reads and audit records, newest first; what is old is let go of, so that a page may stay open for days.
const HITS = 24, READS = 40, AUDITS = 60, LOW = 0.8, AT_ONCE = 3;
const AGREEMENT = { agrees: "agrees", contradicts: "contradicts it", unknown: "is unknown" };
const SVG = "http://www.w3.org/2000/svg";
const at = (id) => document.getElementById(id);
const copy = (id) => at(id).content.firstElementChild.cloneNode(true);
const percent = (share) => (Math.floor(share * 1000) / 10).toFixed(1) + " %";

function put(element, name, text) {
  element.querySelector(`[data-field=${name}]`).textContent = text;
}

function show(image, source) {
  if (source) image.src = source;
  else image.remove();
}

function trim(list, most, selector) {
  const all = list.querySelectorAll(selector);
  for (let i = most; i < all.length; i++) all[i].remove();
}

function doubt(text) {
  const badge = document.createElement("span");
  badge.className = "badge bad doubt";
  badge.textContent = text;
  return badge;
}

function bar([value, confidence]) {
  const box = document.createElement("i");
  box.title = `${value} ${percent(confidence)}`;
  box.classList.toggle("low", confidence < LOW);
  const svg = document.createElementNS(SVG, "svg"), rect = document.createElementNS(SVG, "rect");
  svg.setAttribute("viewBox", "0 0 1 1");
  svg.setAttribute("preserveAspectRatio", "none");
  for (const [key, size] of Object.entries({ x: 0, y: 1 - confidence, width: 1, height: confidence })) rect.setAttribute(key, size);
  svg.append(rect);
  box.append(svg);
  return box;
}

at("older").addEventListener("click", () => {
  const all = at("hits").classList.toggle("all");
  at("older").setAttribute("aria-expanded", all);
  at("older").textContent = all ? "Show the newest hits only" : "Show older hits";
});

const cardId = (event) => `hit-${event.post}-${event.hit}`;

export function addHit(event) {
  at("no-hits").hidden = true;
  const card = copy("hit-card");
  card.id = cardId(event);
  card.dataset.passage = event.passage;
  card.classList.add("fresh");
  show(card.querySelector(".overview"), event.overview);
  show(card.querySelector(".patch"), event.patch);
  put(card, "plate", event.plate);
  put(card, "listed", event.listed);
  card.querySelector("[data-field=listed-row]").hidden = event.listed === event.plate;
  card.querySelector(".chars").append(...event.characters.map(bar));
  put(card, "category", event.category);
  put(card, "priority", "priority " + event.priority);
  put(card, "match", event.exact ? "exact match" : event.match);
  card.querySelector("[data-field=priority]").classList.toggle("urgent", event.priority === 1);
  card.querySelector("[data-field=match]").classList.toggle("loose", !event.exact);
  put(card, "wording", event.wording);
  card.classList.toggle("held", event.held);
  card.querySelector(".badges").append(...(event.held ? ["held for a person", ...event.doubts] : event.doubts).map(doubt));
  const more = [event.post, event.time + " UTC", percent(event.confidence) + " sure of the read", event.list];
  if (event.state) more.push(`listed for ${event.state}: the state read ${AGREEMENT[event.state_agreement]}`);
  if (event.reference) more.push(event.reference);
  put(card, "more", more.join(" \u00b7 "));
  at("hits").prepend(card);
  trim(at("hits"), HITS, "article");
  at("older").hidden = at("hits").querySelectorAll("article").length <= AT_ONCE;
  if (event.withdrawn) return strike(card, event.withdrawn);
  // A person looks at a held hit before anybody is alarmed.
  if (event.held) return;
  at("announcer").textContent =
    `Unverified, at ${event.post}: ${event.category}. Plate ${event.plate.split("").join(" ")}. ${event.wording}`;
}

// Made up by the post: shows that hits arrive, and alarms nobody.
export function addSynthetic(event) {
  at("path").hidden = false;
  at("path").textContent = `${event.post}, ${event.time} UTC, after ${event.seconds.toFixed(1)} s. ${event.wording}`;
}

function strike(card, reason) {
  card.classList.add("gone");
  const line = card.querySelector("[data-field=withdrawn]");
  line.hidden = false;
  line.textContent = `Withdrawn: ${reason}. Do not act on it.`;
}

export function withdraw(event) {
  const card = at(cardId(event));
  if (!card) return; // the desk tells the hit as withdrawn when it comes
  strike(card, event.reason);
  at("announcer").textContent = `A hit at ${event.post} was withdrawn.`;
}

export function addRead(event) {
  const line = copy("read-line");
  line.classList.add("fresh");
  show(line.querySelector("img"), event.patch);
  put(line, "plate", event.plate);
  put(line, "more", `${event.post} \u00b7 ${event.time} UTC \u00b7 ${percent(event.confidence)} sure`);
  at("reads").prepend(line);
  trim(at("reads"), READS, "li");
  // The passage's end brings better pictures than the first moment, at which its hit left.
  for (const card of document.querySelectorAll("article.hit")) {
    if (card.dataset.passage !== event.passage) continue;
    for (const kind of ["overview", "patch"]) {
      const image = card.querySelector("." + kind);
      if (image && event[kind]) image.src = event[kind];
    }
  }
}

export function addAudit(event) {
  const line = copy("audit-line");
  line.classList.toggle("failure", event.outcome !== "success");
  put(line, "action", event.action);
  put(line, "more", [event.post, event.time + " UTC", event.more].filter(Boolean).join(" \u00b7 "));
  at("audit").prepend(line);
  trim(at("audit"), AUDITS, "li");
}
