// Posts are chosen on a map too, one by one or by a rectangle; `/` goes to the box; a search that takes long can be
// canceled; scenes are added one by one; and the pictures of a page of results are fetched together, under one entry of
// the access log.
"use strict";
const form = document.getElementById("search");

function choosable(map) {
  const within = map.closest("fieldset.scene") ?? map.closest("form");
  const checks = new Map();
  for (const check of within.querySelectorAll('input[type="checkbox"]')) {
    if (/(^|-)posts$/.test(check.name)) checks.set(check.value, check);
  }
  const posts = [...map.querySelectorAll(".post")].filter((post) => checks.has(post.dataset.post));
  const set = (post, chosen) => {
    checks.get(post.dataset.post).checked = chosen;
    post.classList.toggle("chosen", chosen);
  };
  for (const post of posts) {
    const check = checks.get(post.dataset.post);
    post.addEventListener("click", () => set(post, !check.checked));
    check.addEventListener("change", () => set(post, check.checked));
    set(post, check.checked);
  }
  let start = null, box = null;
  const at = (event) => new DOMPoint(event.clientX, event.clientY).matrixTransform(map.getScreenCTM().inverse());
  map.addEventListener("pointerdown", (event) => {
    if (event.button === 0 && event.pointerType !== "touch") start = at(event);
  });
  map.addEventListener("pointermove", (event) => {
    if (start === null) return;
    const end = at(event);
    if (box === null && Math.hypot(end.x - start.x, end.y - start.y) < 12) return;
    if (box === null) {
      box = map.appendChild(document.createElementNS("http://www.w3.org/2000/svg", "rect"));
      box.setAttribute("class", "drawn");
      map.setPointerCapture(event.pointerId);
    }
    box.setAttribute("x", Math.min(start.x, end.x));
    box.setAttribute("y", Math.min(start.y, end.y));
    box.setAttribute("width", Math.abs(end.x - start.x));
    box.setAttribute("height", Math.abs(end.y - start.y));
  });
  const done = () => {
    if (box !== null) {
      const drawn = box.getBBox();
      box.remove();
      for (const post of posts) {
        const circle = post.querySelector("circle"), x = circle.cx.baseVal.value, y = circle.cy.baseVal.value;
        if (x >= drawn.x && x <= drawn.x + drawn.width && y >= drawn.y && y <= drawn.y + drawn.height) set(post, true);
      }
    }
    start = box = null;
  };
  map.addEventListener("pointerup", done);
  map.addEventListener("pointercancel", done);
}

for (const button of document.querySelectorAll("[data-print]")) button.addEventListener("click", () => print());
for (const map of document.querySelectorAll(".map.choose")) choosable(map);
for (const button of document.querySelectorAll("[data-select-all]")) {
  button.hidden = false;
  button.addEventListener("click", () => {
    for (const check of document.querySelectorAll('input[form="chosen"]')) check.checked = true;
  });
}

const template = document.getElementById("scene"), add = document.getElementById("add-scene");
if (template !== null) {
  const total = document.querySelector('[name="scene-TOTAL_FORMS"]');
  const refresh = () => { add.hidden = Number(total.value) >= Number(template.dataset.most); };
  add.addEventListener("click", () => {
    const number = Number(total.value), scenes = document.querySelectorAll("fieldset.scene");
    const made = document.createElement("div");
    made.innerHTML = template.innerHTML.replaceAll("__prefix__", number).replaceAll("__number__", number + 1);
    const scene = made.firstElementChild;
    scenes[scenes.length - 1].after(scene);
    for (const map of scene.querySelectorAll(".map.choose")) choosable(map);
    total.value = number + 1;
    refresh();
    scene.querySelector("input").focus();
  });
  refresh();
}

const change = document.getElementById("change");
document.addEventListener("keydown", (event) => {
  const typing = event.target.closest("input, select, textarea");
  if (event.key !== "/" || typing || event.ctrlKey || event.metaKey || event.altKey) return;
  if (form === null && change === null) return;
  event.preventDefault();
  if (form === null) {
    change.click();
    return;
  }
  const box = document.getElementById("id_plate");
  for (let each = box.closest("details"); each !== null; each = each.parentElement.closest("details")) each.open = true;
  box.focus();
  box.select();
});

if (form !== null) {
  const cancel = document.getElementById("cancel");
  form.addEventListener("submit", () => {
    // Each search has a name of its own, also one that is sent again after Back.
    if (globalThis.isSecureContext) form.elements.running.value = crypto.randomUUID();
    cancel.hidden = false;
  });
  window.addEventListener("pageshow", () => { cancel.hidden = true; });
  cancel.addEventListener("click", () => {
    const data = new URLSearchParams();
    for (const name of ["csrfmiddlewaretoken", "running"]) data.set(name, form.elements[name].value);
    fetch(form.dataset.cancel, { method: "POST", body: data });
  });
}

// Drawn on a canvas: no address of a picture stays in the page, and the page allows no picture from elsewhere.
async function thumbnails(address) {
  const answer = await fetch(address);
  if (!answer.ok) return;
  const pictures = await answer.json();
  for (const place of document.querySelectorAll(".thumbnail[data-record]")) {
    const picture = pictures[place.dataset.record];
    if (picture === undefined) continue;
    const bytes = Uint8Array.from(atob(picture.data), (each) => each.charCodeAt(0));
    const bitmap = await createImageBitmap(new Blob([bytes], { type: picture.type })).catch(() => null);
    if (bitmap === null) continue;
    const canvas = Object.assign(document.createElement("canvas"), { width: bitmap.width, height: bitmap.height });
    canvas.getContext("2d").drawImage(bitmap, 0, 0);
    place.classList.add("drawn");
    place.prepend(canvas);
  }
}

const results = document.getElementById("results");
if (results?.dataset.thumbnails) thumbnails(results.dataset.thumbnails);
