// Single records for the second verifiers, by docs/contract/README.md: how they are parsed, what is signed, and by whom.
import { createHash, createPublicKey, verify } from "node:crypto";
import "../../department/archive/check/check.js";

export const sha256 = (bytes) => createHash("sha256").update(bytes).digest("hex");

// --- rules 1 and 3: strict JSON, and its canonical form

const { canonical, parseJson } = globalThis.packageCheck;
export { parseJson as parse };

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
