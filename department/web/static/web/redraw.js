// Draws what comes from the server into a page that someone works on: only what differs is replaced.
"use strict";
{
  // What belongs to the person, whatever the server sends: an open panel, a choice, text that is typed.
  const theirs = (name, element) =>
    element.matches("details") ? name === "open" :
    element.matches("[type=radio], [type=checkbox]") ? name === "checked" :
    element.matches("input:not([type=hidden]), textarea") ? name === "value" :
    element.matches("option") && name === "selected";

  const callbacks = {
    beforeAttributeUpdated: (name, element) => !theirs(name, element),
    // An answer that has become another one is not the person's any more; and a drawing is not in the markup.
    beforeNodeMorphed(present, next) {
      if (present.nodeName === "CANVAS") return present.dataset.picture !== next.dataset.picture;
      if (present.checked && present.value !== next.value) present.checked = false;
      return true;
    },
  };

  // Has a place show content, as HTML or nodes. Forms are matched by their `id`; focus stays where it is, if that stays.
  globalThis.redraw = (place, content) => {
    const focused = place.contains(document.activeElement) ? document.activeElement : null;
    Idiomorph.morph(place, content, { morphStyle: "innerHTML", callbacks });
    if (focused?.isConnected && focused !== document.activeElement) focused.focus({ preventScroll: true });
  };

  // Has a place hold elements in this order, moving no more of them than it must.
  globalThis.arrange = (place, elements) => {
    const focused = place.contains(document.activeElement) ? document.activeElement : null;
    elements.forEach((each, at) => { if (place.children[at] !== each) place.insertBefore(each, place.children[at] ?? null); });
    while (place.children.length > elements.length) place.lastElementChild.remove();
    if (focused?.isConnected && focused !== document.activeElement) focused.focus({ preventScroll: true });
  };
}
