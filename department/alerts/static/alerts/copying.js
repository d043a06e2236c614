// Copies the line for a dispatch system; where a browser does not copy, it is selected.
import { at, set, text } from "./page.js";

const words = at("copy").textContent;

export async function copy() {
  if (at("cad").hidden || at("hit").hidden) return;
  const line = at("line").textContent;
  try {
    await navigator.clipboard.writeText(line);
    copied(true, "copied");
    at("copy").dataset.copied = line;
  } catch {
    getSelection().selectAllChildren(at("line"));
    copied(true, "selected");
  }
}

// Shows whether the line as it is now has been copied.
export function copied(now, key) {
  if (!now && at("copy").dataset.line === at("line").textContent) return;
  at("copy").dataset.line = at("line").textContent;
  set(at("copy"), now ? text(key) : words);
}
