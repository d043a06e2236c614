// The page of the check: the person chooses the opened package, enters two thumbprints, and reads the result.
"use strict";

const form = document.getElementById("check");
const result = document.getElementById("result");
const KINDS = { patch: "Picture of the plate", overview: "Picture of the scene" };
const time = new Intl.DateTimeFormat("en-US", { dateStyle: "medium", timeStyle: "long" });

function element(tag, text = "", className = "") {
  return Object.assign(document.createElement(tag), { textContent: text, className });
}

function listOf(texts, className = "") {
  const list = element("ul", "", className);
  for (const text of texts) list.append(element("li", text));
  return list;
}

function verdict(isGood, good, bad) {
  return element("p", isGood ? `✓ ${good}` : `✗ ${bad}`, isGood ? "good" : "wrong");
}

function facts(record) {
  const list = element("dl");
  const data = record.event?.data ?? {};
  const at = new Date(data.captured ?? record.event?.time ?? NaN);
  const color = (data.vehicle?.colors ?? []).join(" or ");
  const vehicle = [color, data.vehicle?.kind].filter(Boolean).join(" ");
  const shown = {
    "Plate as read": data.plate_read,
    Captured: Number.isNaN(at.getTime()) ? "" : `${time.format(at)} (by the camera post's clock)`,
    Place: data.place?.site,
    "Camera post": record.stated?.post,
    Vehicle: vehicle,
  };
  for (const [name, value] of Object.entries(shown)) {
    if (value) list.append(element("dt", name), element("dd", String(value)));
  }
  return list;
}

function pictureOf(picture, isTrusted) {
  const figure = element("figure");
  const label = KINDS[picture.kind] ?? picture.kind;
  if (picture.bytes !== null) {
    const image = element("img");
    image.src = URL.createObjectURL(new Blob([picture.bytes], { type: "image/jpeg" }));
    image.alt = label;
    figure.append(image);
  }
  const caption = element("figcaption");
  if (picture.problem) caption.append(verdict(false, "", `${label}. ${picture.problem}`));
  else if (picture.covered) {
    const { person, areas } = picture.covered;
    const copy = `${label}: a copy in which ${person} covered ${areas.length} area(s).`;
    const signed = "It is the copy that the archive service signed, and not what the camera post signed.";
    caption.append(element("p", `${copy} ${signed}`, "note"));
  } else if (picture.bytes === null) caption.append(element("p", `${label}: not in the package. The signature still fixes which picture it was.`, "note"));
  else if (isTrusted) caption.append(verdict(true, `${label}: unchanged.`, ""));
  else caption.append(element("p", `${label}: unchanged since it was signed.`, "note"));
  figure.append(caption);
  return figure;
}

// Only the letter's keys prove anything: a forger signs with keys of their own.
function cardOf(record, isTrusted) {
  const card = element("article", "", "card");
  const isGood = record.problems.length === 0;
  card.dataset.result = isGood ? (isTrusted ? "good" : "open") : "wrong";
  const title = record.number === null ? "A record that is not listed" : `Record ${record.number}`;
  card.append(element("h3", title), facts(record));
  if (isGood && !isTrusted) card.append(element("p", "Unchanged since it was signed. Who signed it is not proved.", "note"));
  else card.append(verdict(isGood, "Unchanged since the camera post signed it, and in its place among that post's records.", "Do not rely on this record."));
  if (!isGood) card.append(listOf([...new Set(record.problems)], "wrong"));
  if (record.notes.length) card.append(listOf(record.notes, "note"));
  card.append(...record.pictures.map((picture) => pictureOf(picture, isTrusted)));
  return card;
}

function thumbprintsOf() {
  const typed = (name) => form.elements[name].value.replaceAll(/\s/g, "");
  return { custodian: typed("custodian"), register: typed("register") };
}

function overall(check) {
  const box = element("div", "", "card overall");
  if (!check.isIntact) {
    box.dataset.result = "wrong";
    box.append(verdict(false, "", "Something was changed, or does not fit. Do not rely on this package."));
    if (check.problems.length) box.append(listOf(check.problems, "wrong"));
  } else if (check.isTrusted) {
    box.dataset.result = "good";
    box.append(verdict(true, "Nothing was changed. The package is signed with the keys of your letter.", ""));
  } else {
    box.dataset.result = "open";
    const open = "Nothing was changed since this package was signed. But who signed it is open:";
    const compare = "enter both thumbprints of the agency's letter, or compare these with it, character by character.";
    box.append(element("p", `${open} ${compare}`, "note"));
  }
  if (check.keys.custodian && check.keys.register) {
    const list = element("dl");
    const named = { "Key of the archive service": "custodian", "Key of the register of cameras": "register" };
    for (const [label, role] of Object.entries(named)) {
      const value = element("dd");
      value.append(element("code", check.keys[role].thumbprint));
      list.append(element("dt", label), value);
    }
    box.append(list);
  }
  if (check.manifest !== null) {
    const { case: number, agency, person, made } = check.manifest;
    const good = check.records.filter((record) => record.problems.length === 0);
    const who = `Case ${number}, agency ${agency}, exported by ${person} on ${time.format(new Date(made))}.`;
    const records = `Records ${check.isTrusted ? "proved" : "unchanged"}: ${good.length} of ${check.records.length}.`;
    const log = `Entries of the access log that were checked: ${check.entries}.`;
    box.append(element("p", `${who} ${records} ${log}`));
  }
  return box;
}

let entered = 0;  // counts changes of the form: a result is shown of what is entered now, or not at all

async function show() {
  const file = form.elements.file.files[0];
  const thumbprints = thumbprintsOf();
  const began = entered;
  result.replaceChildren(element("h2", "Result"), element("p", "Checking…"));
  const bytes = new Uint8Array(await file.arrayBuffer());
  if (began !== entered) return;
  const start = new TextDecoder("latin1").decode(bytes.subarray(0, 19));
  if (start === "age-encryption.org/" || start.startsWith("eyJ")) {
    const box = element("div", "", "card overall");
    box.dataset.result = "wrong";
    const open = "Open it with your private key first, as the covering letter describes, and choose the zip file that comes out.";
    box.append(verdict(false, "", `This file is still encrypted. ${open}`));
    result.replaceChildren(element("h2", "Result"), box);
    return;
  }
  const check = await checkPackage(bytes, thumbprints);
  if (began !== entered) return;
  const cards = check.records.map((record) => cardOf(record, check.isTrusted));
  result.replaceChildren(element("h2", `Result for ${file.name}`), overall(check), ...cards);
  result.querySelector("h2").tabIndex = -1;
  result.querySelector("h2").focus();
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  show();
});

form.addEventListener("input", () => {
  entered += 1;
  result.replaceChildren();
});

if (!globalThis.crypto?.subtle) {
  document.getElementById("cannot").hidden = false;
  form.querySelector("button").disabled = true;
}
