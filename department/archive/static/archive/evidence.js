// While a package is being made, the page shows how far it is; and the browser computes the digest of a file on its medium,
// of which nothing is sent.
"use strict";
const STEP_MS = 2000;

async function update() {
  const state = document.getElementById("state");
  if (!["ordered", "making"].includes(state.dataset.state)) return;
  const answer = await fetch(location.pathname, { headers: { "Platepost-Refresh": "1" } }).catch(() => null);
  if (answer?.ok && !answer.redirected) {
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const now = page.getElementById("state");
    if (now !== null && !["ordered", "making"].includes(now.dataset.state)) {
      location.reload();
      return;
    }
    if (now !== null && now.dataset.state !== state.dataset.state) state.replaceWith(now);
  }
  setTimeout(update, STEP_MS);
}
setTimeout(update, STEP_MS);

const file = document.getElementById("file");
if (file !== null && globalThis.crypto?.subtle) {
  document.getElementById("hash").hidden = false;
  file.addEventListener("change", async () => {
    if (!file.files.length) return;
    const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", await file.files[0].arrayBuffer()));
    file.form.elements.digest.value = [...digest].map((each) => each.toString(16).padStart(2, "0")).join("");
  });
}
