// Opens and closes the menu of a phone. Wider windows show the navigation always.
"use strict";
{
  const button = document.getElementById("menu");
  const open = (is) => button.setAttribute("aria-expanded", String(is));

  button?.addEventListener("click", () => open(button.getAttribute("aria-expanded") === "false"));
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || button?.getAttribute("aria-expanded") !== "true" || !button.checkVisibility()) return;
    open(false);
    button.focus();
  });
}
