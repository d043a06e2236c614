// Posts are chosen on the map too, `/` goes to the box, and a search that takes long can be canceled.
"use strict";
const form = document.getElementById("search");
const box = document.getElementById("id_plate");

for (const post of document.querySelectorAll(".map.choose .post")) {
  const check = form.querySelector(`input[name="posts"][value="${CSS.escape(post.dataset.post)}"]`);
  if (check === null) continue;
  const show = () => post.classList.toggle("chosen", check.checked);
  post.addEventListener("click", () => { check.checked = !check.checked; show(); });
  check.addEventListener("change", show);
  show();
}

document.addEventListener("keydown", (event) => {
  const typing = event.target.closest("input, select, textarea");
  if (event.key !== "/" || typing || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  box.focus();
  box.select();
});

const cancel = document.getElementById("cancel");
form.addEventListener("submit", () => { cancel.hidden = false; });
window.addEventListener("pageshow", () => { cancel.hidden = true; });
cancel.addEventListener("click", () => {
  const data = new URLSearchParams();
  for (const name of ["csrfmiddlewaretoken", "running"]) data.set(name, form.elements[name].value);
  fetch(form.dataset.cancel, { method: "POST", body: data });
});
