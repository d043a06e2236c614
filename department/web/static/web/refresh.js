// Brings the page up to date where it stands. A reload would move the reader's place, and a meta refresh the focus.
"use strict";
const SECONDS = 30;

async function refresh() {
  if (document.hidden) return;
  const answer = await fetch(location.pathname, { headers: { Accept: "text/html", "Platepost-Refresh": "1" } }).catch(() => null);
  if (answer === null || !answer.ok) {
    document.title = `Out of date · ${document.title.replace(/^Out of date · /, "")}`;
    return;
  }
  if (answer.redirected) {
    // Logged out meanwhile.
    location.reload();
    return;
  }
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const part of ["main", "nav"]) redraw(document.querySelector(part), [...page.querySelector(part).childNodes]);
  document.title = page.title;
}

setInterval(refresh, SECONDS * 1000);
