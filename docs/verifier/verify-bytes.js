// SPDX-License-Identifier: Apache-2.0
//
// Bytes for the ledger verifier: hex, base64, UTF-8, SHA-256, HMAC-SHA-256 and Ed25519.
//
// Contract: `sha256`, `sha256Text`, `hmacText` answer at once, in Node and in a browser. The signature
// check answers at once in Node (`ed25519Sync`) and later in a browser (`ed25519`).
//
// Why there is a SHA-256 of our own: WebCrypto has only one that answers later, and waiting for each of
// a million small hashes takes minutes. In Node it is never used. In a browser `selfTest` compares it
// with WebCrypto before anything is verified. Ed25519 of our own is used only where the platform has none.
(function (root) {
  'use strict';

  const inNode = typeof module === 'object' && module !== null && typeof require === 'function';
  const node = inNode ? require('node:crypto') : null;

  // ---- hex, base64, UTF-8 ----

  const HEX = Array.from({ length: 256 }, (_, i) => i.toString(16).padStart(2, '0'));

  function toHex(bytes) {
    let s = '';
    for (let i = 0; i < bytes.length; i++) s += HEX[bytes[i]];
    return s;
  }

  // fromHex expects text that was already checked to be hex.
  function fromHex(text) {
    const out = new Uint8Array(text.length / 2);
    for (let i = 0; i < out.length; i++) out[i] = parseInt(text.substr(2 * i, 2), 16);
    return out;
  }

  const B64 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
  const B64_VALUE = new Int16Array(128).fill(-1);
  for (let i = 0; i < 64; i++) B64_VALUE[B64.charCodeAt(i)] = i;

  // fromBase64 is strict (RFC 4648 with padding, unused bits zero). Anything else gives null.
  function fromBase64(text) {
    const n = text.length;
    if (n % 4 !== 0) return null;
    const pad = n === 0 || text[n - 1] !== '=' ? 0 : text[n - 2] === '=' ? 2 : 1;
    const out = new Uint8Array((n / 4) * 3 - pad);
    let held = 0;
    let bits = 0;
    let at = 0;
    for (let i = 0; i < n - pad; i++) {
      const c = text.charCodeAt(i);
      const v = c < 128 ? B64_VALUE[c] : -1;
      if (v < 0) return null;
      held = ((held << 6) | v) & 0xffff;
      bits += 6;
      if (bits >= 8) {
        bits -= 8;
        out[at++] = (held >> bits) & 0xff;
      }
    }
    if ((held & ((1 << bits) - 1)) !== 0) return null;
    return out;
  }

  // ignoreBOM keeps a byte order mark in the text, so that it is seen and refused.
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  const encoder = new TextEncoder();

  function fromUtf8(bytes) {
    try {
      return decoder.decode(bytes);
    } catch {
      return null;
    }
  }

  function same(a, b) {
    if (a.length !== b.length) return false;
    for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
    return true;
  }

  // ---- SHA-256 of our own (FIPS 180-4), used in browsers ----

  // The constants are the fractions of square and cube roots of the first primes; they are computed
  // here, exactly, so that there is no table to mistype.
  function primes(n) {
    const list = [];
    for (let c = 2; list.length < n; c++) if (list.every((p) => c % p !== 0)) list.push(c);
    return list;
  }

  function integerRoot(value, k) {
    let low = 0n;
    let high = 1n << 80n;
    while (high - low > 1n) {
      const mid = (low + high) >> 1n;
      if (mid ** BigInt(k) <= value) low = mid;
      else high = mid;
    }
    return low;
  }

  const fraction = (p, k, bits) =>
    BigInt.asUintN(bits, integerRoot(BigInt(p) << BigInt(bits * k), k));

  const K256 = Int32Array.from(primes(64), (p) => Number(fraction(p, 3, 32)) | 0);
  const H256 = Int32Array.from(primes(8), (p) => Number(fraction(p, 2, 32)) | 0);
  const W = new Int32Array(64);

  function compress(h, b, o) {
    for (let t = 0; t < 16; t++, o += 4) {
      W[t] = (b[o] << 24) | (b[o + 1] << 16) | (b[o + 2] << 8) | b[o + 3];
    }
    for (let t = 16; t < 64; t++) {
      const x = W[t - 15];
      const y = W[t - 2];
      const s0 = ((x >>> 7) | (x << 25)) ^ ((x >>> 18) | (x << 14)) ^ (x >>> 3);
      const s1 = ((y >>> 17) | (y << 15)) ^ ((y >>> 19) | (y << 13)) ^ (y >>> 10);
      W[t] = (W[t - 16] + s0 + W[t - 7] + s1) | 0;
    }
    let a = h[0];
    let b1 = h[1];
    let c = h[2];
    let d = h[3];
    let e = h[4];
    let f = h[5];
    let g = h[6];
    let hh = h[7];
    for (let t = 0; t < 64; t++) {
      const s1 = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7));
      const t1 = (hh + s1 + ((e & f) ^ (~e & g)) + K256[t] + W[t]) | 0;
      const s0 = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10));
      const t2 = (s0 + ((a & b1) ^ (a & c) ^ (b1 & c))) | 0;
      hh = g;
      g = f;
      f = e;
      e = (d + t1) | 0;
      d = c;
      c = b1;
      b1 = a;
      a = (t1 + t2) | 0;
    }
    h[0] += a;
    h[1] += b1;
    h[2] += c;
    h[3] += d;
    h[4] += e;
    h[5] += f;
    h[6] += g;
    h[7] += hh;
  }

  const tail = new Uint8Array(128);

  // Hash the message `head ‖ bytes`, where head is nothing or exactly one block of 64 bytes (for HMAC).
  function ownSha256(bytes, head) {
    const h = H256.slice();
    let total = bytes.length;
    if (head) {
      compress(h, head, 0);
      total += 64;
    }
    const whole = bytes.length - (bytes.length % 64);
    for (let o = 0; o < whole; o += 64) compress(h, bytes, o);
    tail.fill(0);
    tail.set(bytes.subarray(whole));
    tail[bytes.length - whole] = 0x80;
    const end = bytes.length - whole < 56 ? 64 : 128;
    let bits = total * 8;
    for (let i = 1; i <= 8; i++) {
      tail[end - i] = bits % 256;
      bits = Math.floor(bits / 256);
    }
    compress(h, tail, 0);
    if (end === 128) compress(h, tail, 64);
    const out = new Uint8Array(32);
    for (let i = 0; i < 32; i++) out[i] = h[i >> 2] >>> (24 - 8 * (i & 3));
    return out;
  }

  // The key has at most 64 bytes (salts have 16 or 32).
  function ownHmac(key, bytes) {
    const inner = new Uint8Array(64).fill(0x36);
    const outer = new Uint8Array(64).fill(0x5c);
    for (let i = 0; i < key.length; i++) {
      inner[i] ^= key[i];
      outer[i] ^= key[i];
    }
    return ownSha256(ownSha256(bytes, inner), outer);
  }

  // ---- hashing on this platform ----

  let sha256 = (bytes) => ownSha256(bytes);
  let sha256Text = (text) => ownSha256(encoder.encode(text));
  let hmacText = (key, text) => ownHmac(key, encoder.encode(text));
  if (node) {
    sha256 = node.hash
      ? (bytes) => node.hash('sha256', bytes, 'buffer')
      : (bytes) => node.createHash('sha256').update(bytes).digest();
    sha256Text = sha256; // a string is hashed as UTF-8
    hmacText = (key, text) => node.createHmac('sha256', key).update(text, 'utf8').digest();
  }

  // ---- Ed25519 (RFC 8032, pure) ----

  // The fixed start of a public key in the form (SubjectPublicKeyInfo) that Node reads.
  const SPKI = fromHex('302a300506032b6570032100');
  const keyObjects = new Map();

  function ed25519Sync(publicKey, message, signature) {
    const name = toHex(publicKey);
    let key = keyObjects.get(name);
    if (!key) {
      const der = Buffer.concat([SPKI, publicKey]);
      try {
        key = node.createPublicKey({ key: der, format: 'der', type: 'spki' });
      } catch {
        return false;
      }
      if (keyObjects.size > 1000) keyObjects.clear();
      keyObjects.set(name, key);
    }
    try {
      return node.verify(null, message, key, signature);
    } catch {
      return false;
    }
  }

  async function ed25519(publicKey, message, signature) {
    if (node) return ed25519Sync(publicKey, message, signature);
    let key;
    try {
      key = await root.crypto.subtle.importKey('raw', publicKey, { name: 'Ed25519' }, false, ['verify']);
    } catch (e) {
      if (e && e.name === 'DataError') return false; // the key is no key
      return root.AssayVerifier.ed25519Own(publicKey, message, signature);
    }
    return root.crypto.subtle.verify({ name: 'Ed25519' }, key, signature, message);
  }

  // True if our own SHA-256 agrees with the platform for messages around every edge of a block.
  async function selfTest() {
    if (!node && !(root.crypto && root.crypto.subtle)) {
      throw new Error('this browser offers no WebCrypto here; open the page from disk or over https');
    }
    for (const n of [0, 1, 55, 56, 63, 64, 65, 119, 120, 1000]) {
      const message = Uint8Array.from({ length: n }, (_, i) => (i * 7 + n) & 0xff);
      const want = node
        ? node.createHash('sha256').update(message).digest()
        : new Uint8Array(await root.crypto.subtle.digest('SHA-256', message));
      if (!same(want, ownSha256(message))) return false;
    }
    return true;
  }

  const api = {
    toHex, fromHex, fromBase64, fromUtf8, same, sha256, sha256Text, hmacText, ed25519, selfTest,
    toUtf8: (text) => encoder.encode(text),
    ed25519Sync: node ? ed25519Sync : null,
    own: { sha256: ownSha256, hmac: ownHmac, primes, fraction },
  };
  if (inNode) module.exports = api;
  else (root.AssayVerifier = root.AssayVerifier || {}).bytes = api;
})(globalThis);
