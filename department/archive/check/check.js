// Checks an opened evidence package by docs/evidence-format.md, with what a browser has: WebCrypto. Nothing is sent or loaded.
//
// checkPackage(bytes, thumbprints) returns what holds and what does not, for the whole package and for each record. A page or
// Node runs it (tests/verifier).
"use strict";

class PackageError extends Error {}

function requireThat(holds, problem) {
  if (!holds) throw new PackageError(problem);
}

// --- bytes and texts

const utf8 = (bytes) => new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
const encoded = (text) => new TextEncoder().encode(text);

function hexadecimal(bytes) {
  return Array.from(bytes, (each) => each.toString(16).padStart(2, "0")).join("");
}

async function sha256(bytes) {
  return hexadecimal(new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)));
}

function equal(one, other) {
  return one.length === other.length && one.every((byte, place) => byte === other[place]);
}

function joined(...parts) {
  const whole = new Uint8Array(parts.reduce((size, part) => size + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

// Base64 in its one form: encoded again it is the same text.
function fromBase64(text) {
  let binary;
  try {
    binary = atob(text);
  } catch {
    throw new PackageError("a part is not base64");
  }
  requireThat(btoa(binary) === text, "a part is not base64 in its one form");
  return Uint8Array.from(binary, (each) => each.charCodeAt(0));
}

function fromBase64Url(text) {
  requireThat(/^[A-Za-z0-9_-]*$/.test(text), "a part is not base64url");
  return fromBase64(text.replaceAll("-", "+").replaceAll("_", "/") + "=".repeat((4 - (text.length % 4)) % 4));
}

function toBase64Url(bytes) {
  let binary = "";
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return btoa(binary).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

// --- JSON that has one meaning: JSON.parse would take the last of two members of one name

// Strings, without a loop inside a loop: a picture in base64 has millions of characters.
const STRING = /"[^"\\]*(?:\\.[^"\\]*)*"/g;

function parseJson(text) {
  const value = JSON.parse(text);
  const writtenMembers = text.replaceAll(STRING, "").split(":").length - 1;
  requireThat(membersIn(value) === writtenMembers, "JSON has two members of one name");
  return value;
}

// Counts the members of all objects in a value, which has no number or character that JSON cannot carry.
function membersIn(value) {
  if (typeof value === "number") requireThat(Number.isFinite(value), "JSON has a number that is too large");
  if (typeof value === "string") requireThat(!/\p{Surrogate}/u.test(value), "JSON has half a character");
  if (value === null || typeof value !== "object") return 0;
  let count = Array.isArray(value) ? 0 : Object.keys(value).length;
  for (const [name, part] of Object.entries(value)) count += membersIn(name) + membersIn(part);
  return count;
}

// RFC 8785: members sorted by name, numbers as ECMAScript writes them.
function canonical(value) {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  const members = Object.keys(value).sort().map((name) => `${JSON.stringify(name)}:${canonical(value[name])}`);
  return `{${members.join(",")}}`;
}

// --- the zip in its one form

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  return crc;
});

function crc32(bytes) {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = (crc >>> 8) ^ CRC_TABLE[(crc ^ byte) & 0xff];
  return (crc ^ 0xffffffff) >>> 0;
}

// Fields as [width in bytes, value], little-endian.
function packed(...fields) {
  const bytes = [];
  for (const [width, value] of fields) {
    for (let place = 0; place < width; place++) bytes.push(Math.floor(value / 256 ** place) % 256);
  }
  return Uint8Array.from(bytes);
}

function membersOf(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const altered = "This is not an evidence package as it was made: its file was altered, cut short, or is another file.";
  const files = new Map();
  const directory = [];
  let at = 0;
  let before = "";
  while (bytes.length >= at + 30 && view.getUint32(at, true) === 0x04034b50) {
    const nameAt = at + 30;
    const bodyAt = nameAt + view.getUint16(at + 26, true);
    const end = bodyAt + view.getUint32(at + 22, true);
    requireThat(end <= bytes.length, altered);
    const rawName = bytes.subarray(nameAt, bodyAt);
    const body = bytes.subarray(bodyAt, end);
    const name = String.fromCharCode(...rawName);
    requireThat(/^[ -~]+$/.test(name) && name > before, altered);
    const common = [
      [2, 20], [2, 0], [2, 0], [2, 0], [2, 0x0021], [4, crc32(body)],
      [4, body.length], [4, body.length], [2, rawName.length], [2, 0],
    ];
    requireThat(equal(bytes.subarray(at, nameAt), packed([4, 0x04034b50], ...common)), altered);
    directory.push(packed([4, 0x02014b50], [2, 20], ...common, [2, 0], [2, 0], [2, 0], [4, 0x01800000], [4, at]), rawName);
    files.set(name, body);
    before = name;
    at = end;
  }
  const listing = joined(...directory);
  const ending = packed([4, 0x06054b50], [2, 0], [2, 0], [2, files.size], [2, files.size], [4, listing.length], [4, at], [2, 0]);
  requireThat(files.size > 0 && equal(bytes.subarray(at), joined(listing, ending)), altered);
  return files;
}

// --- signatures

const CURVE = { name: "ECDSA", namedCurve: "P-256" };

async function publicKey(form, data) {
  let key;
  try {
    key = await crypto.subtle.importKey(form, data, CURVE, true, ["verify"]);
  } catch {
    throw new PackageError("a key is not a P-256 key");
  }
  const { crv, kty, x, y } = await crypto.subtle.exportKey("jwk", key);
  const digest = await crypto.subtle.digest("SHA-256", encoded(JSON.stringify({ crv, kty, x, y })));
  return { key, thumbprint: toBase64Url(new Uint8Array(digest)) };
}

function keyOfPem(pem) {
  const body = /^-----BEGIN PUBLIC KEY-----\s([A-Za-z0-9+/=\s]+)-----END PUBLIC KEY-----\s*$/.exec(pem)?.[1];
  requireThat(body !== undefined, "a key is not PEM");
  return publicKey("spki", fromBase64(body.replaceAll(/\s/g, "")));
}

function isSigned(key, covered, signature) {
  return crypto.subtle.verify({ name: "ECDSA", hash: "SHA-256" }, key.key, signature, encoded(covered));
}

async function openedJws(bytes, type, key) {
  const [head, payload, signature, ...more] = utf8(bytes).split(".");
  requireThat(signature && more.length === 0, "not a compact JWS");
  const header = parseJson(utf8(fromBase64Url(head)));
  requireThat(header.alg === "ES256" && header.typ === type, "a JWS of another type");
  requireThat(Object.keys(header).every((name) => ["alg", "typ", "kid", "x5c"].includes(name)), "a header that is not known");
  requireThat(header.kid === undefined || header.kid === key.thumbprint, "signed with another key");
  requireThat(await isSigned(key, `${head}.${payload}`, fromBase64Url(signature)), "the signature is not valid");
  return parseJson(utf8(fromBase64Url(payload)));
}

// --- one record, by docs/contract/README.md, rules 1 to 6

function picturesOf(event) {
  return Array.isArray(event.data?.pictures) ? event.data.pictures : [];
}

function signedText(event) {
  const { signature, ...bare } = event;
  if (!Array.isArray(bare.data?.pictures)) return canonical(bare);
  const pictures = bare.data.pictures.map(({ data, ...picture }) => picture);
  return canonical({ ...bare, data: { ...bare.data, pictures } });
}

class RecordCheck {
  constructor(stated) {
    this.number = stated?.record ?? null;
    this.stated = stated;
    this.event = null;
    this.digest = "";
    this.problems = [];
    this.notes = [];
    this.pictures = [];
  }
}

// --- the package

class PackageCheck {
  problems = [];
  records = [];
  files = new Map();
  manifest = null;
  keys = {};
  isTrusted = false;  // whether the package is signed with the keys whose thumbprints were given
  linked = 0;
  entries = 0;

  get isIntact() {
    return this.problems.length === 0 && this.records.every((record) => record.problems.length === 0);
  }

  async #part(what, act) {
    try {
      await act();
    } catch (error) {
      this.problems.push(`${what}: ${error.message}.`);
    }
  }

  async check(bytes, thumbprints) {
    this.files = membersOf(bytes);
    const isPackage = this.files.has("manifest.jws") && this.files.has("keys.json");
    requireThat(isPackage, "This file has no signed list of contents, or no keys: it is not an evidence package.");
    const named = parseJson(utf8(this.files.get("keys.json")));
    this.keys = { custodian: await publicKey("jwk", named.custodian), register: await publicKey("jwk", named.register) };
    this.isTrusted = true;
    for (const [role, label] of [["custodian", "archive service"], ["register", "register of cameras"]]) {
      const { thumbprint } = this.keys[role];
      if (thumbprints[role] === thumbprint) continue;
      this.isTrusted = false;
      if (!thumbprints[role]) continue;
      this.problems.push(
        `The key of the ${label} is not the one that the agency gave you: its thumbprint is ${thumbprint}.` +
          " Someone else may have made this package.",
      );
    }
    try {
      this.manifest = await openedJws(this.files.get("manifest.jws"), "platepost-evidence+jws", this.keys.custodian);
    } catch (error) {
      throw new PackageError(`The list of contents is not signed with the archive service's key: ${error.message}. Do not rely on this package.`);
    }
    requireThat(this.manifest.format === "platepost-evidence-1", "This package has a form that this page does not know.");
    await this.#checkFiles();
    let register = { posts: [] };
    await this.#part("The register of cameras", async () => {
      register = await openedJws(this.#file("register.jws"), "platepost-register+jws", this.keys.register);
      requireThat(register.agency === this.manifest.agency, "it is another agency's");
    });
    await this.#checkRecords(register);
    await this.#part("The covered pictures", () => this.#checkRedactions());
    await this.#part("The numbering of the records", () => this.#checkChains());
    await this.#part("The access log", () => this.#checkLedger());
  }

  #file(name) {
    requireThat(this.files.has(name), `${name} is missing`);
    return this.files.get(name);
  }

  async #checkFiles() {
    for (const name of new Set([...this.files.keys(), ...Object.keys(this.manifest.files)])) {
      if (name === "manifest.jws") continue;
      const stated = this.manifest.files[name];
      if (!this.files.has(name)) this.problems.push(`The file ${name} is missing.`);
      else if (stated === undefined) this.problems.push(`The file ${name} was added.`);
      else if ((await sha256(this.files.get(name))) !== stated) this.problems.push(`The file ${name} was changed since it was signed.`);
    }
  }

  async #checkRecords(register) {
    const expected = new Map(this.manifest.records.map((stated) => [`${stated.post} ${stated.digest}`, new RecordCheck(stated)]));
    if (expected.size !== this.manifest.records.length) this.problems.push("A record is listed twice.");
    const checks = [...expected.values()];
    const unlisted = [];
    for (const [name, content] of this.files) {
      const post = /^records\/(.+)\.jsonl$/.exec(name)?.[1];
      if (post === undefined) continue;
      for (const line of utf8(content).split("\n").filter(Boolean)) {
        await this.#part(`A record of ${post}`, async () => {
          const event = parseJson(line);
          const text = signedText(event);
          const digest = await sha256(encoded(text));
          const record = expected.get(`${post} ${digest}`);
          expected.delete(`${post} ${digest}`);
          if (record === undefined) {
            unlisted.push({ post, event, text });
            return;
          }
          await this.#checkRecord(record, post, event, text, digest, register);
        });
      }
    }
    // A changed record no longer has the digest that was signed: it is shown in the place of one that is missing.
    for (const { post, event, text } of unlisted) {
      const missing = [...expected].find(([, record]) => record.stated.post === post);
      const record = missing ? missing[1] : new RecordCheck(null);
      if (missing) expected.delete(missing[0]);
      else checks.push(record);
      record.problems.push("This record is not as it was signed: it was changed, or put into the package later.");
      await this.#checkRecord(record, post, event, text, "", register);
    }
    for (const record of expected.values()) record.problems.push("This record is missing from the package.");
    this.records = checks;
  }

  async #checkRecord(record, post, event, text, digest, register) {
    record.event = event;
    record.digest = digest;
    try {
      await this.#checkSignature(record, post, event, text, register);
      if (event.source !== `//alpr/v1/${this.manifest.agency}/${post}`) record.problems.push("The record names another camera post as its source.");
      await this.#checkPictures(record, event);
    } catch (error) {
      record.problems.push(`It cannot be checked: ${error.message}.`);
    }
  }

  async #checkSignature(record, post, event, text, register) {
    const [head, tail, ...more] = String(event.signature).split("..");
    requireThat(tail && more.length === 0 && !head.includes(".") && !tail.includes("."), "it has no signature");
    const header = parseJson(utf8(fromBase64Url(head)));
    const known = register.posts.find(({ name }) => name === post)?.keys.find(({ kid }) => kid === header.kid);
    if (header.alg !== "ES256" || known === undefined) {
      record.problems.push("It is signed with a key that is not registered for this camera post.");
      return;
    }
    const key = await keyOfPem(known.public_key);
    requireThat(key.thumbprint === known.kid, "the register has another key by this thumbprint");
    const good = await isSigned(key, `${head}.${toBase64Url(encoded(text))}`, fromBase64Url(tail));
    if (!good) record.problems.push("The signature of the camera post does not fit: the record was changed.");
    if (known.until && Date.parse(event.time) > Date.parse(known.until)) this.#checkLate(record, known.until);
  }

  #checkLate(record, until) {
    const when = `Its time is after ${until}, when its key was taken out of use`;
    const { admitted, kept_at: arrived } = record.stated ?? {};
    if (admitted) record.notes.push(`${when}. The agency admitted it all the same: ${admitted}.`);
    else if (Date.parse(arrived) <= Date.parse(until)) {
      record.notes.push(`${when}, but it arrived before: the clock of the post was wrong.`);
    } else record.problems.push(`${when}.`);
  }

  async #checkPictures(record, event) {
    for (const picture of picturesOf(event)) {
      const shown = { kind: picture.kind, bytes: null, problem: "", sha256: picture.sha256, covered: null };
      record.pictures.push(shown);
      if (!("data" in picture)) continue;
      const changed = "This picture was changed: it is not the one that the camera post signed.";
      try {
        const bytes = fromBase64(picture.data);
        const digest = await sha256(bytes);
        const file = this.files.get(`pictures/${digest}.jpg`);
        shown.bytes = bytes;
        if (bytes.length !== picture.size || digest !== picture.sha256) shown.problem = changed;
        else if (file === undefined || !equal(file, bytes)) shown.problem = "The file of this picture is missing, or was changed.";
      } catch {
        shown.problem = changed;
      }
      if (shown.problem) record.problems.push(shown.problem);
    }
  }

  async #checkRedactions() {
    const statements = this.files.has("redactions.json") ? parseJson(utf8(this.files.get("redactions.json"))) : [];
    for (const statement of statements) {
      const record = this.records.find(({ number }) => number === statement.record);
      const original = statement.original_sha256;
      const picture = record?.pictures.find((each) => each.kind === statement.kind && each.sha256 === original);
      const copy = this.files.get(`redacted/${original}.jpg`);
      const isLeftOut = picture !== undefined && picture.bytes === null;
      requireThat(isLeftOut, `record ${statement.record} has no such picture that was left out`);
      if (this.files.has(`pictures/${original}.jpg`)) {
        record.problems.push("The original of a covered picture is in the package, too.");
      }
      picture.covered = statement;
      if (copy === undefined || (await sha256(copy)) !== statement.copy_sha256) {
        picture.problem = "The covered copy of this picture is missing, or was changed.";
        record.problems.push(picture.problem);
      } else picture.bytes = copy;
    }
  }

  #checkChains() {
    const placed = this.records.filter(({ event, digest }) => digest && event.chain !== undefined);
    const linked = new Set();
    for (const { post, chain, links, receipted } of parseJson(utf8(this.#file("chains.json"))).chains) {
      const byNumber = new Map(links.map(([number, digest, previous]) => [number, { digest, previous }]));
      for (const [number, { previous }] of byNumber) {
        const before = byNumber.get(number - 1);
        if (before === undefined) continue;
        if (before.digest === previous) this.linked++;
        else this.problems.push(`Record number ${number} of ${post} does not follow number ${number - 1}.`);
      }
      for (const record of placed.filter(({ stated, event }) => stated.post === post && event.chain === chain)) {
        linked.add(record);
        const number = record.event.sequence;
        if (byNumber.get(number)?.digest !== record.digest) record.problems.push("It is not the record that has this number at its post.");
        this.#checkReceipt(record, number, receipted, byNumber);
      }
    }
    for (const record of placed) if (!linked.has(record)) record.problems.push("Its place among the records of its post is missing.");
  }

  #checkReceipt(record, number, receipted, byNumber) {
    const receipt = receipted.find(([first, last]) => first <= number && number <= last);
    if (receipt === undefined) {
      record.notes.push("The package has no receipt of the archive service for it.");
      return;
    }
    const [, last, digest] = receipt;
    if (byNumber.has(last) && byNumber.get(last).digest !== digest) {
      record.problems.push("The receipt of the archive service is for another record.");
      return;
    }
    for (let step = number; step <= last; step++) {
      if (!byNumber.has(step)) {
        record.notes.push("The records between it and the end of its receipt are not in the package.");
        return;
      }
    }
  }

  async #checkLedger() {
    const entries = new Map();
    for (const text of utf8(this.#file("ledger.jsonl")).split("\n").filter(Boolean)) {
      const line = parseJson(text);
      if ("field" in line) {
        const { commitments, bodies, number } = entries.get(line.entry);
        const salt = Uint8Array.from(line.salt.match(/../g), (pair) => parseInt(pair, 16));
        const covered = joined(salt, encoded(line.field), new Uint8Array(1), encoded(line.value));
        if (commitments[line.field] !== (await sha256(covered))) this.problems.push(`The access log was changed: ${line.field} of entry ${number}.`);
        bodies[line.field] = JSON.parse(line.value);
        continue;
      }
      const { digest, ...rest } = line;
      if ((await sha256(encoded(canonical(rest)))) !== digest) this.problems.push(`The access log was changed: entry ${line.number}.`);
      entries.set(line.entry, { ...line, bodies: {} });
    }
    const byNumber = new Map([...entries.values()].map((entry) => [entry.number, entry]));
    for (const [number, { previous }] of byNumber) {
      const before = byNumber.get(number - 1);
      if (before !== undefined && before.digest !== previous) this.problems.push(`The access log was changed: entry ${number} does not follow the one before.`);
    }
    this.entries = entries.size;
    const { manifest } = this;
    const own = entries.get(manifest.entry)?.bodies ?? {};
    if (["person", "purpose", "case"].some((name) => own[name] !== manifest[name])) this.problems.push("The access log has no entry for this package.");
    const shown = [...entries.values()].filter((entry) => entry.event === "shown" && entry.refers_to === manifest.entry);
    const parts = shown.flatMap(({ bodies }) => [bodies, ...Object.values(bodies.covert ?? {})]);
    const seen = new Set(parts.flatMap((part) => part.records ?? []));
    if (!manifest.records.every(({ record }) => seen.has(record))) this.problems.push("The access log does not have that these records were taken out.");
  }
}

// `thumbprints`: of the agency's two keys, as its letter has them; one that is empty is not compared.
async function checkPackage(bytes, thumbprints) {
  const check = new PackageCheck();
  try {
    await check.check(bytes, thumbprints);
  } catch (error) {
    check.problems.push(error instanceof PackageError ? error.message : `This package cannot be read: ${error.message}.`);
  }
  return check;
}

globalThis.packageCheck = { canonical, checkPackage, parseJson };  // for a program that loads this file
