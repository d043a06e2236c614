// A second verifier, written from docs/contract/README.md alone: what it and ours disagree on, that page does not say.
//
//   node verify.mjs KEY.pem < archive.jsonl
//
// Prints what is wrong as JSON, each as [kind, chain, number]. Requires every chain from its first record on.
import { readFileSync } from "node:fs";
import { bytesOf, illustrated, keyOf, kidOf, parse, sha256, signed } from "./records.mjs";

const GENESIS = "0".repeat(64);
const CHAINED = new Set(["audit", "hit", "hit.withdrawn", "read"].map((kind) => `platepost.${kind}.v1`));

// --- all records

const keys = new Map(process.argv.slice(2).map((file) => keyOf(readFileSync(file))).map((k) => [k.thumbprint, k.key]));
const problems = [];
const records = [];
for (const line of readFileSync(0).toString("binary").split("\n")) {
  if (!line.trim()) continue;
  try {
    const event = parse(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(Buffer.from(line, "binary")));
    if (typeof event.signature !== "string" || typeof event.id !== "string") throw new TypeError("not signed");
    const bytes = bytesOf(event);
    records.push({ event, bytes, digest: sha256(bytes), ...event });
  } catch {
    problems.push(["malformed", null, null]);
  }
}

// Keys that a known key vouched for are known, in whatever order the records stand.
const changes = [];
for (let grown = true; grown; ) {
  grown = false;
  for (const record of records.filter((one) => !one.heard && one.data?.key && one.type === "platepost.audit.v1")) {
    const kid = keys.has(record.data.key.former) && kidOf(record.signature);
    if (kid !== record.data.key.former || !signed(record.event, record.bytes, keys.get(kid))) continue;
    const { key, thumbprint } = keyOf(record.data.key.public_key);
    if (thumbprint !== record.data.key.thumbprint) continue;
    record.heard = grown = true;
    keys.set(thumbprint, key);
    const { chain, sequence } = record;
    changes.push({ chain, sequence, former: kid, now: thumbprint, ends: record.data.key.ends ?? [] });
  }
}

const chains = new Map();
const outside = new Map();
let source;
for (const record of records) {
  const { chain, sequence, previous } = record;
  const wrong = (kind) => problems.push([kind, chain ?? null, sequence ?? null]);
  let kid;
  try {
    kid = kidOf(record.signature);
  } catch {
    wrong("changed");
    continue;
  }
  if (!keys.has(kid)) {
    wrong("foreign");
    continue;
  }
  if (!signed(record.event, record.bytes, keys.get(kid)) || !illustrated(record)) {
    wrong("changed");
    if (chain !== undefined) placeOf(chain).changed.push(sequence);
    continue;
  }
  source ??= record.source;
  record.kid = kid;
  if (record.source !== source) wrong("foreign");
  else if (chain === undefined && sequence === undefined && previous === undefined) {
    if (CHAINED.has(record.type)) wrong("malformed");
    else if (outside.has(record.id)) wrong("repeated");
    else outside.set(record.id, record);
  } else {
    const before = placeOf(chain).records.get(sequence);
    if (before) wrong(before.digest === record.digest ? "repeated" : "forked");
    else placeOf(chain).records.set(sequence, record);
  }
}

function placeOf(chain) {
  if (!chains.has(chain)) chains.set(chain, { records: new Map(), changed: [] });
  return chains.get(chain);
}

// --- another signing key: where something stands decides which key is good

const given = new Set(process.argv.slice(2).map((file) => keyOf(readFileSync(file)).thumbprint));
const trusted = new Set(given);
const heeded = [];
const replaced = new Map();
const named = new Set(); // chains that a good `records_lost` names

function good(kid, chain, sequence) {
  if (!trusted.has(kid)) return false;
  const here = heeded.filter((change) => change.chain === chain && [change.former, change.now].includes(kid));
  if (here.length) {
    const before = here.filter((change) => change.sequence < sequence).sort((a, b) => b.sequence - a.sequence)[0];
    return before?.former !== kid;
  }
  const change = replaced.get(kid);
  if (!change || (chain !== undefined && named.has(chain))) return true;
  const end = chain && change.ends.find((mark) => mark.chain === sha256(chain));
  if (!end) return false;
  const last = [...(chains.get(chain)?.records.values() ?? [])].find((record) => record.digest === end.digest);
  return !last || sequence <= last.sequence;
}

const order = (a, b) => (a.chain < b.chain ? -1 : a.chain > b.chain ? 1 : a.sequence - b.sequence);
const pending = changes.sort(order);
for (;;) {
  const index = pending.findIndex((change) => good(change.former, change.chain, change.sequence));
  if (index < 0) break;
  const [change] = pending.splice(index, 1);
  heeded.push(change);
  trusted.add(change.now);
  replaced.delete(change.now);
  replaced.set(change.former, change);
}
const placed = [...chains.values()].flatMap((chain) => [...chain.records.values()]);
const tellers = placed.filter(({ data, type }) => type === "platepost.audit.v1" && data.lost);
const heard = tellers.filter((record) => good(record.kid, record.chain, record.sequence));
for (const record of heard) named.add(record.data.lost.chain);

// --- the chain, and what the post itself says is gone

function lastKnown(kid, chain) {
  const said = heeded.filter((change) => change.chain === chain && [change.former, change.now].includes(kid));
  const last = said.sort((a, b) => b.sequence - a.sequence)[0];
  return !last || last.now === kid ? Infinity : last.sequence;
}

for (const [name, chain] of chains) {
  const isGood = (record) => good(record.kid, name, record.sequence);
  const excused = new Set(chain.changed);
  const highest = Math.max(0, ...chain.records.keys());
  const excuse = (ranges, end = Infinity) => {
    for (const { first, last } of ranges) for (let n = first; n <= Math.min(last, end, highest); n++) excused.add(n);
  };
  for (const record of chain.records.values()) {
    if (!isGood(record)) problems.push(["foreign", name, record.sequence]);
    else if (record.type === "platepost.audit.v1" && record.data.dropped) excuse(record.data.dropped.sequences ?? []);
  }
  for (const { kid, data } of heard.filter((record) => record.data.lost.chain === name)) {
    excuse(data.lost.sequences ?? [], lastKnown(kid, name));
  }
  let before = { sequence: 0, digest: GENESIS };
  for (const record of [...chain.records.values()].sort((a, b) => a.sequence - b.sequence)) {
    let gap = null;
    for (let n = before.sequence + 1; n <= record.sequence; n++) {
      if (n < record.sequence && !excused.has(n)) gap ??= n;
      else if (gap !== null) {
        problems.push(["missing", name, gap]);
        gap = null;
      }
    }
    if (record.sequence === before.sequence + 1) {
      if (record.previous !== before.digest) problems.push(["forked", name, record.sequence]);
      else {
        const back = before.sequence ? Math.max(0, Date.parse(before.time) - Date.parse(record.time)) : 0; // rule 7
        const said = 1000 * (record.data.clock?.stepped_back_seconds ?? 0);
        if (!(Math.abs(back - said) <= 2)) problems.push(["misdated", name, record.sequence]);
      }
    }
    before = record;
  }
}
for (const record of outside.values()) {
  const end = record.data.chain_end;
  if (!good(record.kid, end?.chain, end?.sequence)) problems.push(["foreign", null, null]);
}
console.log(JSON.stringify(problems));
