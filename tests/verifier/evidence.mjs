// A second program that opens and checks evidence packages, written from docs/evidence-format.md and the pages that it names.
//
//   node evidence.mjs CUSTODIAN.pem REGISTER.pem [--open-with PRIVATE.pem] FILE...
//
// Prints a line of JSON for each file: what is wrong with it, and how much was checked.
import crypto from "node:crypto";
import { readFileSync } from "node:fs";
import { bytesOf, canonical, illustrated, keyOf, kidOf, parse, sha256, signed } from "./records.mjs";

const text = (bytes) => new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
const check = (holds, problem) => {
  if (!holds) throw new Error(problem);
};

// --- base64url in its one form

function decoded(part) {
  const bytes = Buffer.from(part, "base64url");
  check(bytes.toString("base64url") === part, "a part is not base64url");
  return bytes;
}

// --- the sealed file

function unsealed(sealed, pem) {
  const parts = sealed.split(".");
  check(parts.length === 5, "not a compact JWE");
  const [head, wrapped, iv, ciphertext, tag] = parts.map(decoded);
  const header = parse(text(head));
  check(header.typ === "platepost-evidence+jwe" && header.enc === "A256GCM", "not a sealed package");
  const key = crypto.createPrivateKey(pem);
  const content = header.alg === "RSA-OAEP-256" ? byRsa(key, wrapped) : byEcdh(header, key, wrapped);
  const decipher = crypto.createDecipheriv("aes-256-gcm", content, iv);
  decipher.setAAD(Buffer.from(parts[0]));
  decipher.setAuthTag(tag);
  return Buffer.concat([decipher.update(ciphertext), decipher.final()]);
}

function byRsa(key, wrapped) {
  const padding = crypto.constants.RSA_PKCS1_OAEP_PADDING;
  return crypto.privateDecrypt({ key, padding, oaepHash: "sha256" }, wrapped);
}

function byEcdh(header, privateKey, wrapped) {
  check(header.alg === "ECDH-ES+A256KW", "another algorithm");
  const publicKey = crypto.createPublicKey({ key: header.epk, format: "jwk" });
  const secret = crypto.diffieHellman({ privateKey, publicKey });
  const number = (value) => Buffer.from([value >>> 24, value >>> 16, value >>> 8, value]);
  const sized = (bytes) => Buffer.concat([number(bytes.length), bytes]);
  const info = [sized(Buffer.from(header.alg)), sized(Buffer.alloc(0)), sized(Buffer.alloc(0)), number(256)];
  const wrapping = crypto.createHash("sha256").update(Buffer.concat([number(1), secret, ...info])).digest();
  const unwrap = crypto.createDecipheriv("id-aes256-wrap", wrapping, Buffer.alloc(8, 0xa6));
  return Buffer.concat([unwrap.update(wrapped), unwrap.final()]);
}

// --- the zip in its one form

function crc32(bytes) {
  let crc = -1;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (0xedb88320 & -(crc & 1));
  }
  return (crc ^ -1) >>> 0;
}

// Fields as [bytes, value], little-endian.
function packed(...fields) {
  const bytes = Buffer.alloc(fields.reduce((size, [width]) => size + width, 0));
  fields.reduce((at, [width, value]) => bytes.writeUIntLE(value, at, width), 0);
  return bytes;
}

function zip(files) {
  const body = [], directory = [];
  let offset = 0;
  for (const name of [...files.keys()].sort()) {
    const content = files.get(name);
    const common = [
      [2, 20], [2, 0], [2, 0], [2, 0], [2, 0x0021], [4, crc32(content)],
      [4, content.length], [4, content.length], [2, name.length], [2, 0],
    ];
    const local = Buffer.concat([packed([4, 0x04034b50], ...common), Buffer.from(name), content]);
    const rest = [[2, 0], [2, 0], [2, 0], [4, 0x01800000], [4, offset]];
    directory.push(packed([4, 0x02014b50], [2, 20], ...common, ...rest), Buffer.from(name));
    body.push(local);
    offset += local.length;
  }
  const size = directory.reduce((sum, part) => sum + part.length, 0);
  const count = files.size;
  const end = packed([4, 0x06054b50], [2, 0], [2, 0], [2, count], [2, count], [4, size], [4, offset], [2, 0]);
  return Buffer.concat([...body, ...directory, end]);
}

function unzipped(bytes) {
  const files = new Map();
  let at = 0;
  while (bytes.length >= at + 30 && bytes.readUInt32LE(at) === 0x04034b50) {
    const name = at + 30;
    const content = name + bytes.readUInt16LE(at + 26);
    const end = content + bytes.readUInt32LE(at + 22);
    files.set(bytes.toString("latin1", name, content), bytes.subarray(content, end));
    at = end;
  }
  check(zip(files).equals(bytes), "not the one form of a package");
  return files;
}

// --- signed JSON

function opened(jws, type, key) {
  const [head, payload, signature, ...more] = text(jws).split(".");
  check(more.length === 0 && signature, "not a compact JWS");
  const header = parse(text(decoded(head)));
  check(header.alg === "ES256" && header.typ === type, "another JWS");
  check(header.kid === undefined || header.kid === key.thumbprint, "by another key");
  const covered = Buffer.from(`${head}.${payload}`);
  const good = crypto.verify("sha256", covered, { key: key.key, dsaEncoding: "ieee-p1363" }, decoded(signature));
  check(good, "the signature is not good");
  return parse(text(decoded(payload)));
}

// --- the check

function checked(bytes, custodian, registrar) {
  const files = unzipped(bytes);
  const manifest = opened(files.get("manifest.jws"), "platepost-evidence+jws", custodian);
  check(manifest.format === "platepost-evidence-1", "another format");
  for (const name of new Set([...files.keys(), ...Object.keys(manifest.files)])) {
    const right = name === "manifest.jws" || (files.has(name) && sha256(files.get(name)) === manifest.files[name]);
    check(right, `${name} is not what was signed`);
  }
  const register = opened(files.get("register.jws"), "platepost-register+jws", registrar);
  check(register.agency === manifest.agency, "the register is another agency's");
  const placed = records(files, manifest, register);
  redactions(files, manifest);
  const links = chains(parse(text(files.get("chains.json"))).chains, placed);
  return { records: manifest.records.length, links, entries: ledger(files.get("ledger.jsonl"), manifest) };
}

function records(files, manifest, register) {
  const expected = new Map(manifest.records.map((one) => [`${one.post} ${one.digest}`, one]));
  check(expected.size === manifest.records.length, "a record is named twice");
  const placed = [];
  for (const [name, content] of files) {
    const post = /^records\/(.+)\.jsonl$/.exec(name)?.[1];
    if (post === undefined) continue;
    const { keys } = register.posts.find((one) => one.name === post);
    const known = new Map(keys.map(({ public_key }) => keyOf(public_key)).map((key) => [key.thumbprint, key.key]));
    for (const line of text(content).split("\n").filter(Boolean)) {
      const event = parse(line);
      const covered = bytesOf(event);
      const digest = sha256(covered);
      const kept = expected.get(`${post} ${digest}`);
      check(expected.delete(`${post} ${digest}`), "a record that the manifest does not name");
      const key = known.get(kidOf(event.signature));
      const until = keys.find(({ kid }) => kid === kidOf(event.signature))?.until;
      const late = [event.time, kept?.kept_at].every((time) => Date.parse(time) > Date.parse(until));
      check(!until || !late || kept?.admitted, "a record that was made after its key's end");
      check(key && signed(event, covered, key), "a record that its post did not sign");
      check(event.source === `//alpr/v1/${manifest.agency}/${post}`, "a record of another source");
      check(illustrated(event), "a picture that was not signed");
      for (const picture of (event.data.pictures ?? []).filter((one) => "data" in one)) {
        const body = Buffer.from(picture.data, "base64");
        check(files.get(`pictures/${sha256(body)}.jpg`)?.equals(body), "a picture is missing");
      }
      if (event.chain !== undefined) placed.push({ post, chain: event.chain, number: event.sequence, digest });
    }
  }
  check(expected.size === 0, "a record is missing");
  return placed;
}

// Each redacted copy is of a picture that its record names, and whose bytes are not there.
function redactions(files, manifest) {
  for (const said of files.has("redactions.json") ? parse(text(files.get("redactions.json"))) : []) {
    const { post, digest } = manifest.records.find(({ record }) => record === said.record);
    const lines = text(files.get(`records/${post}.jsonl`)).split("\n").filter(Boolean).map(parse);
    const event = lines.find((one) => sha256(bytesOf(one)) === digest);
    const of = event.data.pictures.find(({ sha256, kind }) => sha256 === said.original_sha256 && kind === said.kind);
    check(of && !("data" in of), "a redacted copy of another picture");
    check(!files.has(`pictures/${said.original_sha256}.jpg`), "an original beside its redacted copy");
    const copy = files.get(`redacted/${said.original_sha256}.jpg`);
    check(copy && sha256(copy) === said.copy_sha256, "another redacted copy than the one that is stated");
  }
}

function chains(said, placed) {
  let count = 0;
  for (const { post, chain, links, receipted } of said) {
    const byNumber = new Map(links.map(([number, digest, previous]) => [number, { digest, previous }]));
    for (const [number, { previous }] of byNumber) {
      const before = byNumber.get(number - 1);
      if (!before) continue;
      check(before.digest === previous, "a link does not follow");
      count++;
    }
    for (const record of placed.filter((one) => one.post === post && one.chain === chain)) {
      record.linked = byNumber.get(record.number)?.digest === record.digest;
      const range = receipted.find(([first, last]) => first <= record.number && record.number <= last);
      const end = range && byNumber.get(range[1]);
      check(!end || end.digest === range[2], "a receipt for another record");
    }
  }
  check(placed.every(({ linked }) => linked), "a record that is not linked");
  return count;
}

function ledger(content, manifest) {
  const entries = new Map();
  for (const said of text(content).split("\n").filter(Boolean).map((line) => JSON.parse(line))) {
    if ("field" in said) {
      const { commitments, bodies } = entries.get(said.entry);
      const covered = [Buffer.from(said.salt, "hex"), Buffer.from(said.field), Buffer.alloc(1), Buffer.from(said.value)];
      check(commitments[said.field] === sha256(Buffer.concat(covered)), "a body that was not committed to");
      bodies[said.field] = JSON.parse(said.value);
      continue;
    }
    const { digest, ...rest } = said;
    check(sha256(Buffer.from(canonical(rest))) === digest, "an entry that was altered");
    entries.set(said.entry, { ...said, bodies: {} });
  }
  const byNumber = new Map([...entries.values()].map((entry) => [entry.number, entry]));
  for (const [number, { previous }] of byNumber) {
    const before = byNumber.get(number - 1);
    check(!before || before.digest === previous, "an entry that does not follow");
  }
  const own = entries.get(manifest.entry)?.bodies ?? {};
  const same = ["person", "purpose", "case"].every((name) => own[name] === manifest[name]);
  check(same, "no entry of this export");
  const shown = [...entries.values()].filter((entry) => entry.event === "shown" && entry.refers_to === manifest.entry);
  const parts = shown.flatMap(({ bodies }) => [bodies, ...Object.values(bodies.covert ?? {})]);
  const seen = new Set(parts.flatMap((part) => part.records ?? []));
  check(manifest.records.every(({ record }) => seen.has(record)), "a record that the ledger does not name");
  return entries.size;
}

const [custodian, registrar] = process.argv.slice(2, 4).map((file) => keyOf(readFileSync(file)));
const given = process.argv.slice(4);
const pem = given[0] === "--open-with" ? readFileSync(given.splice(0, 2)[1]) : null;
for (const file of given) {
  try {
    const bytes = pem ? unsealed(readFileSync(file, "latin1"), pem) : readFileSync(file);
    console.log(JSON.stringify({ problem: null, ...checked(bytes, custodian, registrar) }));
  } catch (error) {
    console.log(JSON.stringify({ problem: error.message }));
  }
}
