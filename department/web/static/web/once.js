// A second click on the same button sends nothing: of two entries that were made so, only one would be ended later.
"use strict";
{
  const AGAIN_MS = 10000;
  let sent = new WeakMap();  // by form, the button that sent it

  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (event.defaultPrevented || form.method !== "post" || form.target) return;
    if (sent.has(form) && sent.get(form) === event.submitter) {
      event.preventDefault();
      return;
    }
    sent.set(form, event.submitter);
    setTimeout(() => sent.delete(form), AGAIN_MS);  // a download leaves the page where it is
  });
  // A file that waited until its reader had confirmed who they are.
  const file = document.getElementById("waiting-file");
  file?.requestSubmit(file.querySelector("button"));
  window.addEventListener("pageshow", () => { sent = new WeakMap(); });
}
