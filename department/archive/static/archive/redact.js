// Areas over a picture that the package covers: drawn by pointer, or moved and sized by keyboard. Pixels are those of the picture.
"use strict";
const STEPS = 80; // of a key across the picture
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const between = (low, value, high) => Math.max(low, Math.min(value, high));

function edit(section) {
  const [canvas, image, form, list, status] = [".covering", "img", "form", ".areas", "[role=status]"].map((each) => section.querySelector(each));
  const [row, areas] = [section.querySelector("template"), []];
  const width = () => image.naturalWidth, height = () => image.naturalHeight;
  const step = Math.max(1, Math.round(width() / STEPS));

  function place(area) {
    area.width = between(step, Math.round(area.width), width());
    area.height = between(step, Math.round(area.height), height());
    area.x = between(0, Math.round(area.x), width() - area.width);
    area.y = between(0, Math.round(area.y), height() - area.height);
    const percent = (value, whole) => `${(value / whole) * 100}%`;
    Object.assign(area.box.style, {
      left: percent(area.x, width()), width: percent(area.width, width()), top: percent(area.y, height()), height: percent(area.height, height()),
    });
    areas.forEach((each, at) => {
      each.box.textContent = each.item.querySelector(".number").textContent = at + 1;
      each.box.setAttribute("aria-label", each.item.querySelector("label").firstChild.data.trim() + ` ${at + 1}`);
    });
    const saved = areas.map(({ what, x, y, width, height }) => ({ what, x, y, width, height }));
    form.elements.areas.value = JSON.stringify(saved);
  }

  function announce(area) {
    status.textContent = `${area.box.getAttribute("aria-label")}: ${area.x}, ${area.y}; ${area.width} × ${area.height}`;
  }

  function add(area) {
    area.box = Object.assign(document.createElement("button"), { type: "button", className: "area" });
    area.item = row.content.firstElementChild.cloneNode(true);
    const choice = area.item.querySelector("select");
    choice.value = area.what;
    choice.addEventListener("change", () => { area.what = choice.value; place(area); });
    area.item.querySelector("button").addEventListener("click", () => remove(area));
    area.box.addEventListener("keydown", (event) => key(event, area));
    area.box.addEventListener("pointerdown", (event) => drag(event, area, [area.x, area.y], false));
    areas.push(area);
    canvas.append(area.box);
    list.append(area.item);
    place(area);
    return area;
  }

  function remove(area) {
    areas.splice(areas.indexOf(area), 1);
    area.box.remove();
    area.item.remove();
    status.textContent = "";
    if (areas.length) place(areas[0]);
    else form.elements.areas.value = "[]";
    section.querySelector("[data-add]").focus();
  }

  function key(event, area) {
    if (event.key === "Delete" || event.key === "Backspace") remove(area);
    else if (event.key in ARROWS) {
      const [right, down] = ARROWS[event.key].map((each) => each * step);
      if (event.shiftKey) [area.width, area.height] = [area.width + right, area.height + down];
      else [area.x, area.y] = [area.x + right, area.y + down];
      place(area);
      announce(area);
    } else return;
    event.preventDefault();
  }

  function point(event) {
    const shown = image.getBoundingClientRect();
    return [((event.clientX - shown.left) / shown.width) * width(), ((event.clientY - shown.top) / shown.height) * height()];
  }

  // Moves an area from where the pointer went down, or draws it from there.
  function drag(event, area, [left, top], draws) {
    event.preventDefault();
    event.stopPropagation();
    area.box.focus();
    const [x, y] = point(event);
    const move = (next) => {
      const [right, down] = point(next);
      if (draws) Object.assign(area, { x: Math.min(x, right), y: Math.min(y, down), width: Math.abs(right - x), height: Math.abs(down - y) });
      else Object.assign(area, { x: left + right - x, y: top + down - y });
      place(area);
    };
    const end = () => {
      canvas.removeEventListener("pointermove", move);
      if (draws && area.width === step && area.height === step) remove(area); // a mere click
      else announce(area);
    };
    canvas.setPointerCapture(event.pointerId);
    canvas.addEventListener("pointermove", move);
    canvas.addEventListener("lostpointercapture", end, { once: true });
  }

  canvas.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    const [x, y] = point(event);
    drag(event, add({ what: "plate", x, y, width: step, height: step }), [x, y], true);
  });
  section.querySelector("[data-add]").addEventListener("click", () => {
    const area = add({ what: "plate", x: width() * 0.4, y: height() * 0.4, width: width() * 0.2, height: height() * 0.2 });
    area.box.focus();
    announce(area);
  });
  for (const button of form.querySelectorAll(":disabled")) button.disabled = false;
  JSON.parse(section.querySelector("script").textContent).forEach(add);
}

for (const section of document.querySelectorAll(".redaction")) {
  const image = section.querySelector("img");
  if (image.complete && image.naturalWidth) edit(section);
  else image.addEventListener("load", () => edit(section), { once: true });
}
