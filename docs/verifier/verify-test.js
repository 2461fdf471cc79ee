// SPDX-License-Identifier: Apache-2.0
//
// node --test docs/verifier/verify-test.js
//
// Runs the verifier against the vectors, and the cryptography that browsers use against that of Node.
'use strict';

const test = require('node:test');
const assert = require('node:assert');
const crypto = require('node:crypto');
const fs = require('node:fs');
const path = require('node:path');
const { spawnSync } = require('node:child_process');

const core = require('./verify.js');
const ownEd25519 = require('./verify-ed25519.js');

const VECTORS = path.join(__dirname, 'vectors');
const EXAMPLE = path.join(VECTORS, 'logs', '00000.ndjson');
const command = (...args) => {
  const r = spawnSync(process.execPath, [path.join(__dirname, 'verify.js'), ...args], { encoding: 'utf8' });
  return { code: r.status, out: r.stdout };
};

for (const [option, input, expected] of [
  ['--batch', 'logs', 'expected.txt'],
  ['--proofs', 'proofs.ndjson', 'proofs.txt'],
  ['--checkpoints', 'checkpoints.ndjson', 'checkpoints.txt'],
]) {
  test(`vectors: ${option}`, () => {
    const r = command(option, path.join(VECTORS, input));
    assert.strictEqual(r.out, fs.readFileSync(path.join(VECTORS, expected), 'utf8'));
    assert.strictEqual(r.code, 0);
  });
}

test('the values of appendix A', () => {
  const v = JSON.parse(fs.readFileSync(path.join(VECTORS, 'vectors.json'), 'utf8'));
  const tree = new core.Tree();
  assert.strictEqual(tree.root(), v.roots[0]);
  v.entries.forEach((e, i) => {
    const leaf = core.bytes.sha256Text('\u0000' + e.canonical);
    assert.strictEqual(core.bytes.toHex(leaf), e.leaf);
    tree.add(leaf);
    assert.strictEqual(tree.root(), v.roots[i + 1]);
  });
  for (const c of v.commitments) {
    const salt = core.bytes.fromHex(c.salt);
    assert.strictEqual(core.bytes.toHex(core.bytes.hmacText(salt, c.text)), c.digest);
    assert.deepStrictEqual(Buffer.from(core.bytes.own.hmac(salt, Buffer.from(c.text))).toString('hex'), c.digest);
  }
  for (const s of v.strings) {
    assert.strictEqual(core.format.checkpointLine(`{"checkpoint":${s.canonical}}`), s.text);
  }
});

function verdict(data, key, kept, pieces) {
  const run = new core.Run(key || null, kept || []);
  for (let i = 0; i < data.length; i += pieces || data.length) run.push(data.subarray(i, i + (pieces || data.length)));
  run.end();
  const r = run.verdict();
  return `${r.code} ${r.object}`;
}

test('the length of the pieces does not matter', () => {
  for (const name of fs.readdirSync(path.join(VECTORS, 'logs')).filter((f) => f.endsWith('.ndjson'))) {
    const data = fs.readFileSync(path.join(VECTORS, 'logs', name));
    const want = verdict(data);
    for (const n of [1, 7, 64, 1000]) assert.strictEqual(verdict(data, null, [], n), want, name);
  }
});

test('no flipped bit is good', () => {
  const data = fs.readFileSync(EXAMPLE);
  const key = fs.readFileSync(EXAMPLE.replace('ndjson', 'key'), 'utf8');
  // The time of the export and the name of the program are the two things that nobody signs.
  const free = new Set();
  for (const part of ['2026-11-22T00:00:00.000Z', 'vectors']) {
    const at = data.indexOf(part);
    assert.ok(at > 0);
    for (let i = 0; i < part.length; i++) free.add(at + i);
  }
  for (let i = 0; i < data.length * 8; i++) {
    data[i >> 3] ^= 1 << (i & 7);
    const v = verdict(data, key);
    if (v.startsWith('0')) assert.ok(free.has(i >> 3), `bit ${i}`);
    data[i >> 3] ^= 1 << (i & 7);
  }
  assert.strictEqual(verdict(data, key), '0 -');
});

test('lines that are nearly right', () => {
  const text = fs.readFileSync(EXAMPLE, 'utf8');
  const LINES = text.split('\n').length - 1;
  const change = (from, to) => {
    assert.ok(text.includes(from), from);
    return verdict(Buffer.from(text.replace(from, to)));
  };
  assert.strictEqual(change('\n', '\r\n'), '2 line 1');
  assert.strictEqual(verdict(Buffer.from('\ufeff' + text)), '2 line 1');
  assert.strictEqual(verdict(Buffer.from(text + '\n')), `3 line ${LINES + 1}`);
  assert.strictEqual(verdict(Buffer.from(text + 'x')), `3 line ${LINES + 1}`);
  assert.strictEqual(verdict(Buffer.from(text.slice(0, -1))), `2 line ${LINES}`);
  assert.strictEqual(change('"seq":1', '"seq":1.0'), '2 line 3');
  assert.strictEqual(change('"seq":1', '"seq":01'), '2 line 3');
  assert.strictEqual(change('"seq":1', '"seq":9007199254740992'), '2 line 3');
  assert.strictEqual(change('"v":1', '"v":1,"v":1'), '2 line 2');
  assert.strictEqual(change('"v":1', '"v":2'), '2 line 2');
  assert.strictEqual(change('2026-03-06', '2026-02-30'), '2 line 2');
  assert.strictEqual(change('T09:00:00', 'T24:00:00'), '2 line 2');
  assert.strictEqual(change('rows\\":3', 'rows\\u0022:3'), '2 line 3');
  assert.strictEqual(change('-ledger/v1', '-ledger/v2'), '1 header');
  assert.strictEqual(change('"size":4', '"size":5'), '2 header');
  assert.strictEqual(verdict(Buffer.from('')), '3 header');
  assert.strictEqual(verdict(Buffer.from('\n')), '2 line 1');
  assert.strictEqual(verdict(Buffer.from(text.split('\n')[0] + '\n')), '3 checkpoint');
  assert.strictEqual(verdict(Buffer.from(text), '\n assay/x+00000000+AA== '), '4 key');
});

test('a file of deep nesting or endless lines is refused, not suffered', () => {
  assert.strictEqual(verdict(Buffer.alloc(3 << 20, '[')), '2 line 1');
  assert.strictEqual(verdict(Buffer.alloc(67108865, 'x'), null, [], 1 << 20), '2 line 1');
});

test('SHA-256 of our own is that of the platform', async () => {
  assert.ok(await core.bytes.selfTest());
  for (let n = 0; n < 300; n++) {
    const m = crypto.randomBytes(n);
    const key = crypto.randomBytes(n % 2 ? 16 : 32);
    assert.deepStrictEqual(Buffer.from(core.bytes.own.sha256(m)), crypto.createHash('sha256').update(m).digest());
    assert.deepStrictEqual(Buffer.from(core.bytes.own.hmac(key, m)), crypto.createHmac('sha256', key).update(m).digest());
  }
});

test('Ed25519 of our own is that of the platform', async () => {
  for (let n = 0; n < 12; n++) {
    const pair = crypto.generateKeyPairSync('ed25519');
    const key = new Uint8Array(pair.publicKey.export({ format: 'der', type: 'spki' }).subarray(12));
    const m = crypto.randomBytes(n * 9);
    const s = new Uint8Array(crypto.sign(null, m, pair.privateKey));
    assert.ok(core.bytes.ed25519Sync(key, m, s));
    assert.ok(await ownEd25519(key, m, s));
    const bad = (list, i) => list.map((b, at) => (at === i ? b ^ 1 : b));
    for (const i of [0, 31, 32, 63]) assert.ok(!(await ownEd25519(key, m, bad(s, i))));
    assert.ok(!(await ownEd25519(bad(key, 3), m, s)));
    // The same scalar plus the group order would be a second signature for the same text.
    let scalar = BigInt('0x' + Buffer.from(s.subarray(32)).reverse().toString('hex'));
    scalar += 2n ** 252n + 27742317777372353535851937790883648493n;
    const twin = Buffer.concat([s.subarray(0, 32), Buffer.from(scalar.toString(16).padStart(64, '0'), 'hex').reverse()]);
    assert.ok(!(await ownEd25519(key, m, new Uint8Array(twin))));
    assert.ok(!core.bytes.ed25519Sync(key, m, twin));
  }
});
