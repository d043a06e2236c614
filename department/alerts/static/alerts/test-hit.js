// A test hit: from this page through the server and the database, as hits come, and back.
import { chime, notify } from "./alarm.js";
import { at, clock, post, server, set, text } from "./page.js";

const TEST_MS = 10000;
let testing = 0;

async function send() {
  const began = Date.now();
  testing = began;
  report(text("test_sent"));
  at("test").blur();  // Enter sends no second one
  setTimeout(() => { if (testing === began) report(text("test_lost"), true); }, TEST_MS);
  try {
    const answer = await post("test");
    if (!answer.ok) report(text("test_lost"), true);
  } catch { report(text("test_lost"), true); }
}

export function testArrived(data) {
  const seconds = Math.max(0, (server.now() - new Date(data.at)) / 1000);
  testing = 0;
  report(text("test_arrived", { at: clock(new Date(data.at)), seconds: seconds.toFixed(1) }));
  chime(1);
  notify(text("test_note"), { tag: "test" });
}

function report(words, failed = false) {
  set(at("tested-text"), words);
  at("tested").classList.toggle("bad", failed);
  at("tested").hidden = false;
}

at("test").addEventListener("click", send);
at("tested-close").addEventListener("click", () => { at("tested").hidden = true; });
