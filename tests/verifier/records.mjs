// Single records for the second verifiers, by docs/contract/README.md: how they are parsed, what is signed, and by whom.
import { createHash, createPublicKey, verify } from "node:crypto";

export const sha256 = (bytes) => createHash("sha256").update(bytes).digest("hex");

// --- rule 1: strict JSON; JSON.parse takes the last of two members of one name, so members are read one by one

export function parse(text) {
  let at = 0;
  const fail = () => {
    throw new SyntaxError(`at ${at}`);
  };
  const space = () => {
    while (" \t\n\r".includes(text[at]) && at < text.length) at++;
  };
  const token = (pattern) => {
    pattern.lastIndex = at;
    const found = pattern.exec(text) ?? fail();
    at += found[0].length;
    return JSON.parse(found[0]);
  };
  const string = () => {
    const read = token(/"(?:[^"\\]|\\.)*"/y);
    return read.isWellFormed() ? read : fail();
  };
  const list = (end, read) => {
    at++;
    space();
    if (text[at] === end) return void at++;
    for (;;) {
      read();
      space();
      if (text[at] === end) return void at++;
      if (text[at++] !== ",") fail();
    }
  };
  const value = () => {
    space();
    if (text[at] === "{") {
      const members = Object.create(null);
      list("}", () => {
        space();
        const name = string();
        if (name in members) fail();
        space();
        if (text[at++] !== ":") fail();
        members[name] = value();
      });
      return members;
    }
    if (text[at] === "[") {
      const elements = [];
      list("]", () => elements.push(value()));
      return elements;
    }
    if (text[at] === '"') return string();
    const read = token(/true|false|null|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/y);
    return typeof read !== "number" || Number.isFinite(read) ? read : fail();
  };
  const read = value();
  space();
  return at === text.length ? read : fail();
}

// --- rules 2 to 6

export function canonical(value) {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  const members = Object.keys(value).sort().map((name) => `${JSON.stringify(name)}:${canonical(value[name])}`);
  return `{${members.join(",")}}`;
}

export function bytesOf(event) {
  const { signature, ...bare } = event;
  const pictures = bare.data?.pictures;
  if (!Array.isArray(pictures)) return Buffer.from(canonical(bare));
  const stripped = pictures.map(({ data, ...picture }) => picture);
  return Buffer.from(canonical({ ...bare, data: { ...bare.data, pictures: stripped } }));
}

export function keyOf(pem) {
  const key = createPublicKey(pem);
  const { crv, kty, x, y } = key.export({ format: "jwk" });
  const thumbprint = createHash("sha256").update(JSON.stringify({ crv, kty, x, y })).digest("base64url");
  return { key, thumbprint };
}

export const kidOf = (signature) => JSON.parse(Buffer.from(signature.split("..")[0], "base64url")).kid;

export function signed(event, bytes, key) {
  const [head, tail] = event.signature.split("..");
  if (JSON.parse(Buffer.from(head, "base64url")).alg !== "ES256") return false;
  const covered = Buffer.from(`${head}.${bytes.toString("base64url")}`);
  return verify("sha256", covered, { key, dsaEncoding: "ieee-p1363" }, Buffer.from(tail, "base64url"));
}

export function illustrated({ data }) {
  return (data.pictures ?? []).every((picture) => {
    if (!("data" in picture)) return true;
    const bytes = Buffer.from(picture.data, "base64");
    const whole = bytes.toString("base64") === picture.data;
    return whole && bytes.length === picture.size && sha256(bytes) === picture.sha256;
  });
}
