// Verifies an export of a department's ledger, by docs/ledger-format.md and nothing else.
//
//   node ledger.mjs ledger.jsonl
//   node ledger.mjs ledger.jsonl --head 1042:8ac904d3... --head 2210:19bb0c77...
//
// Each line that it prints names what is wrong: the number of the entry, a tab, and what it is. --head is an end that was
// noted before. Without bodies it learns nothing of a plate, and verifies all the same. The exit code is 1 if anything is
// wrong.
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";

const options = { head: { type: "string", multiple: true, default: [] } };
const { values: given, positionals } = parseArgs({ options, allowPositionals: true });
const sha256 = (...parts) => parts.reduce((hash, part) => hash.update(part), createHash("sha256")).digest("hex");

// RFC 8785: members sorted, no spaces. All values here are strings, whole numbers, null, or such an object.
function canonical(value) {
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  const members = Object.keys(value).sort().map((name) => `${JSON.stringify(name)}:${canonical(value[name])}`);
  return `{${members.join(",")}}`;
}

function digest(line, number = line.number, previous = line.previous) {
  const { at, class: ending, commitments, entry, event, refers_to } = line;
  return sha256(canonical({ at, class: ending, commitments, entry, event, number, previous, refers_to }));
}

const commitment = ({ salt, field, value }) => sha256(Buffer.from(salt, "hex"), field, "\0", value);

const lines = [];
const bodies = new Map();
for await (const text of createInterface({ input: createReadStream(positionals[0]) })) {
  const said = JSON.parse(text);
  if ("number" in said) {
    lines.push(said);
  } else {
    if (!bodies.has(said.entry)) bodies.set(said.entry, new Map());
    bodies.get(said.entry).set(said.field, said);
  }
}
lines.sort((one, other) => one.number - other.number);

// Until when the bodies of each class may be gone. Times are compared to the microsecond, as text of one form.
const ended = new Map();
for (const { event, entry } of lines) {
  const said = bodies.get(entry);
  if (event !== "erased" || !said) continue;
  const [ending, until] = ["class", "until"].map((name) => JSON.parse(said.get(name)?.value ?? "null"));
  if (ending !== null && until !== null && full(until) > (ended.get(ending) ?? "")) ended.set(ending, full(until));
}

// A time in UTC with six digits of the second.
function full(time) {
  const [whole, fraction = ""] = time.replace("Z", "").split(".");
  return `${whole}.${fraction.padEnd(6, "0")}Z`;
}

const problems = [];
const altered = [];
let before = { number: 0, digest: "0".repeat(64) };
let newest = "";
for (const line of lines) {
  const setBack = line.event === "clock_set_back";
  if ((line.at < newest && !setBack) || Date.parse(line.at) > Date.now() + 60_000) problems.push([line.number, "time"]);
  if (line.at > newest || setBack) newest = line.at;
  if (line.number !== before.number + 1) problems.push([before.number + 1, "missing"]);
  else if (line.previous !== before.digest) problems.push([line.number, "unlinked"]);
  if (digest(line) !== line.digest) altered.push(line);
  const there = bodies.get(line.entry) ?? new Map();
  for (const field of new Set([...Object.keys(line.commitments), ...there.keys()])) {
    if (there.has(field)) {
      if (commitment(there.get(field)) !== line.commitments[field]) problems.push([line.number, "mismatch"]);
    } else if (bodies.size > 0 && !(line.at < (ended.get(line.class) ?? ""))) {
      problems.push([line.number, "erased early"]);
    }
  }
  before = line;
}

const fits = (one, other) => [one.previous, other.previous].some((previous) => [one.digest, other.digest].includes(digest(one, other.number, previous)));
const swapped = (line) => altered.some((other) => other !== line && (fits(line, other) || fits(other, line)));
for (const line of altered) problems.push([line.number, swapped(line) ? "swapped" : "altered"]);

// Intents of which nothing says what was shown. No damage, but a question.
const answered = new Set(lines.filter(({ event }) => ["shown", "failed"].includes(event)).map((line) => line.refers_to));
const late = (line) => Date.parse(before.at) - Date.parse(line.at) > 300_000;
const asked = lines.filter(({ event, entry }) => ["intent", "log_intent"].includes(event) && !answered.has(entry));

const digests = new Map(lines.map((line) => [line.number, line.digest]));
for (const head of given.head) {
  const [number, noted] = head.split(":");
  if (!digests.get(Number(number))?.startsWith(noted)) problems.push([Number(number), "cut"]);
}

const named = [...new Set(problems.sort(([one], [other]) => one - other).map((problem) => problem.join("\t")))];
for (const problem of named) console.log(problem);
for (const { number } of asked.filter(late)) console.log(`${number}\tunanswered`);
console.error(`${lines.length} entries, end ${before.number}:${before.digest}: ${named.length || "nothing is"} wrong`);
process.exitCode = named.length ? 1 : 0;
