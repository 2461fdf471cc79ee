// SPDX-License-Identifier: Apache-2.0
//
// Ed25519 verification (RFC 8032, 5.1.7) for browsers whose WebCrypto has none. Never used in Node.
//
// Contract: the same answer as the usual libraries: the scalar must be smaller than the group order, and the
// point that is computed must have exactly the bytes of R (no multiplication by the cofactor). It only ever
// sees public values, so it need not be constant in time. SHA-512 comes from WebCrypto.
(function (root) {
  'use strict';

  const inNode = typeof module === 'object' && module !== null && typeof require === 'function';
  const webcrypto = inNode ? require('node:crypto').webcrypto : root.crypto; // Node 18 has no global of it

  const P = 2n ** 255n - 19n;
  const ORDER = 2n ** 252n + 27742317777372353535851937790883648493n;

  const mod = (a) => ((a % P) + P) % P;

  function power(base, exponent) {
    let r = 1n;
    let b = mod(base);
    for (let e = exponent; e > 0n; e >>= 1n) {
      if (e & 1n) r = (r * b) % P;
      b = (b * b) % P;
    }
    return r;
  }

  const invert = (a) => power(a, P - 2n);
  const D = mod(-121665n * invert(121666n));
  const ROOT_OF_MINUS_ONE = power(2n, (P - 1n) / 4n);

  function littleEndian(b) {
    let n = 0n;
    for (let i = b.length - 1; i >= 0; i--) n = (n << 8n) | BigInt(b[i]);
    return n;
  }

  // Points are [X, Y, Z, T] with x = X/Z, y = Y/Z, xy = T/Z.
  const ZERO = [0n, 1n, 1n, 0n];

  function add(p, q) {
    const a = mod((p[1] - p[0]) * (q[1] - q[0]));
    const b = mod((p[1] + p[0]) * (q[1] + q[0]));
    const c = mod(2n * p[3] * q[3] * D);
    const d = mod(2n * p[2] * q[2]);
    const e = b - a;
    const f = d - c;
    const g = d + c;
    const h = b + a;
    return [mod(e * f), mod(g * h), mod(f * g), mod(e * h)];
  }

  function multiply(n, point) {
    let r = ZERO;
    let p = point;
    for (let e = n; e > 0n; e >>= 1n) {
      if (e & 1n) r = add(r, p);
      p = add(p, p);
    }
    return r;
  }

  function pointFrom(bytes) {
    const all = littleEndian(bytes);
    const sign = all >> 255n;
    const y = mod(all & ((1n << 255n) - 1n));
    const u = mod(y * y - 1n);
    const v = mod(D * y * y + 1n);
    let x = mod(u * v ** 3n * power(mod(u * v ** 7n), (P - 5n) / 8n));
    const check = mod(v * x * x);
    if (check !== u) {
      if (check !== mod(-u)) return null;
      x = mod(x * ROOT_OF_MINUS_ONE);
    }
    if ((x & 1n) !== sign) x = mod(-x);
    return [x, y, 1n, mod(x * y)];
  }

  function pointBytes(p) {
    const z = invert(p[2]);
    let n = mod(p[1] * z) | ((mod(p[0] * z) & 1n) << 255n);
    const out = new Uint8Array(32);
    for (let i = 0; i < 32; i++, n >>= 8n) out[i] = Number(n & 255n);
    return out;
  }

  const BASE_BYTES = new Uint8Array(32).fill(0x66);
  BASE_BYTES[0] = 0x58;
  const BASE = pointFrom(BASE_BYTES);

  async function verify(publicKey, message, signature) {
    if (publicKey.length !== 32 || signature.length !== 64) return false;
    const a = pointFrom(publicKey);
    const s = littleEndian(signature.subarray(32));
    if (a === null || s >= ORDER) return false;
    const r = signature.subarray(0, 32);
    const input = new Uint8Array([...r, ...publicKey, ...message]);
    const k = littleEndian(new Uint8Array(await webcrypto.subtle.digest('SHA-512', input))) % ORDER;
    const minusA = [mod(-a[0]), a[1], 1n, mod(-a[3])];
    const want = pointBytes(add(multiply(s, BASE), multiply(k, minusA)));
    return want.every((byte, i) => byte === r[i]);
  }

  if (inNode) module.exports = verify;
  else root.AssayVerifier.ed25519Own = verify;
})(globalThis);
