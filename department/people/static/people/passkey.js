// Shows why a passkey was not used. allauth's own script writes it to the console alone.
"use strict";
{
  const REASONS = { NotAllowedError: "notAllowed", AbortError: "notAllowed", SecurityError: "security", InvalidStateError: "known" };
  // Until allauth listens, the button would send a form without a passkey.
  document.addEventListener("DOMContentLoaded", () => {
    for (const button of document.querySelectorAll("[data-passkey]")) button.disabled = false;
  });

  const place = document.getElementById("passkey-error");

  document.addEventListener("allauth.error", (event) => {
    event.preventDefault();
    place.textContent = place.dataset[REASONS[event.detail.exception?.name] ?? "other"];
    place.hidden = false;
  });
  // The next try begins without the last one's error.
  document.addEventListener("click", (event) => { if (event.target.closest("button")) place.hidden = true; });
}
