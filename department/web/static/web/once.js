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
  // What a file does to its page is shown once it was downloaded. Any other answer is shown as of any form.
  document.addEventListener("submit", async (event) => {
    const form = event.target;
    if (event.defaultPrevented || !form.hasAttribute("data-file")) return;
    event.preventDefault();
    const answer = await fetch(form.action, { method: "POST", body: new FormData(form) }).catch(() => null);
    const [, name] = answer?.headers.get("Content-Disposition")?.match(/filename="(.+)"/) ?? [];
    if (!name) {
      form.submit();
      return;
    }
    const link = document.createElement("a");
    link.href = URL.createObjectURL(await answer.blob());
    link.download = name;
    link.click();
    location.reload();
  });
  // A file that waited until its reader had confirmed who they are.
  const file = document.getElementById("waiting-file");
  file?.requestSubmit(file.querySelector("button"));
  window.addEventListener("pageshow", () => { sent = new WeakMap(); });
}
