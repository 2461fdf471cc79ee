// SPDX-License-Identifier: Apache-2.0
//
// node --test docs/verifier/verify-rules-test.js
//
// Hand-made ledgers, one for each rule of section 10 that a reader could get wrong. The maker below follows the
// document and signs with the key of its example.
'use strict';

const test = require('node:test');
const assert = require('node:assert');
const crypto = require('node:crypto');
const core = require('./verify.js');

const SEED = Buffer.from(Array.from({ length: 32 }, (_, i) => i));
const PRIVATE = crypto.createPrivateKey({
  key: Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), SEED]), format: 'der', type: 'pkcs8',
});
const PUBLIC = crypto.createPublicKey(PRIVATE).export({ format: 'der', type: 'spki' }).subarray(12);
const sha = (b) => crypto.createHash('sha256').update(b).digest();
const hmac = (key, text) => crypto.createHmac('sha256', key).update(text).digest();
const NAME = 'assay/org_example';
const HASH = sha(Buffer.concat([Buffer.from(NAME + '\n\x01'), PUBLIC])).subarray(0, 4);
const KEY = `${NAME}+${HASH.toString('hex')}+${Buffer.concat([Buffer.from([1]), PUBLIC]).toString('base64')}`;

function note(size, root, more) {
  const text = `${NAME}\n${size}\n${Buffer.from(root, 'hex').toString('base64')}\n${more || ''}`;
  return `${text}\n\u2014 ${NAME} ${Buffer.concat([HASH, crypto.sign(null, Buffer.from(text), PRIVATE)]).toString('base64')}\n`;
}

function rootOf(leaves) {
  const t = new core.Tree();
  for (const leaf of leaves) t.add(leaf);
  return t.root();
}

// list: { body } or { rows: [text], kind }, with what is to be changed: gone, goneRows, at, org, rev, kind.
// The lines come back with a mark, so that a test can move or drop them.
function make(list, options) {
  const o = { isPublic: false, ...options };
  const lines = [];
  const leaves = [];
  list.forEach((e, seq) => {
    const kind = e.kind || (e.rows ? 'sign_in' : 'risk');
    const salt = Buffer.alloc(32, seq + 1);
    const rows = (e.rows || []).map((text, n) => ({ n, text, salt: Buffer.alloc(16, n + 1), h: hmac(Buffer.alloc(16, n + 1), text) }));
    const root = rootOf(rows.map((r) => sha(Buffer.concat([Buffer.from([0]), r.h]))));
    const body = e.body !== undefined ? e.body : JSON.stringify({ table: kind, rows: rows.length, root });
    const rev = e.rev !== undefined ? e.rev : e.rows ? 0 : 1;
    const canonical = `{"actor":"a","at":"${e.at || '2026-03-06T09:00:00.000Z'}","digest":"${hmac(salt, body).toString('hex')}","id":"x",` +
      `"kind":"${kind}","op":"o","org":"${e.org || 'org_example'}","rev":${rev},"seq":${seq},"v":1,"via":"web"}`;
    const leaf = sha('\u0000' + canonical);
    leaves.push(leaf);
    const bare = e.gone || o.isPublic;
    lines.push(`{${bare ? '' : `"body":${JSON.stringify(body)},`}"entry":${canonical},"leaf":"${leaf.toString('hex')}"` +
      `${bare ? '' : `,"salt":"${salt.toString('base64')}"`}}`);
    for (const r of o.isPublic || e.noRows ? [] : rows) {
      const gone = (e.goneRows || []).includes(r.n);
      lines.push(`{"h":"${r.h.toString('hex')}","n":${r.n},"rows":{"batch":${seq},"table":"${kind}"}` +
        `${gone ? '' : `,"salt":"${r.salt.toString('base64')}","text":${JSON.stringify(r.text)}`}}`);
    }
  });
  const header = `{"exported_at":"2026-11-22T00:00:00.000Z","format":"assay-ledger/v1","key":"${KEY}","origin":"${NAME}",` +
    `"program":"p","public":${o.isPublic},"size":${list.length}}`;
  const roots = Array.from({ length: list.length + 1 }, (_, n) => rootOf(leaves.slice(0, n)));
  const end = JSON.stringify({ checkpoint: o.note || note(list.length, roots[list.length], o.more) });
  return { lines: [header, ...lines, end], roots };
}

function verdict(lines, kept) {
  const run = new core.Run(KEY, kept || []);
  run.push(Buffer.from(lines.join('\n') + '\n'));
  run.end();
  const r = run.verdict();
  return `${r.code} ${r.object}`;
}

const check = (list, want, options, kept) => assert.strictEqual(verdict(make(list, options).lines, kept), want);
const risk = { body: '{"a":1}' };
const gone = { body: '{"a":1}', gone: true };
const disposal = (body) => ({ kind: 'disposal', body: typeof body === 'string' ? body : JSON.stringify(body) });
const ROWS = ['{"n":0}', '{"n":1}', '{"n":2}'];

test('ledgers that are good', () => {
  check([], '0 -');
  check([risk, risk, risk], '0 -');
  check([{ rows: [] }, { rows: ROWS }], '0 -');
  check([risk, { rows: ROWS }], '0 -', { isPublic: true });
  check([risk], '0 -', { more: 'time 2026-03-06T09:01:04.500Z\nanything at all\n' });
  check([{ body: '{"table":"x","table":"t","rows":0e0,"root":"' + rootOf([]) + '","note":1}', kind: 't', rev: 0 }], '0 -');
});

test('what a disposal covers', () => {
  check([gone], '3 body of entry 0');
  for (const list of ['[0]', '[0.0]', '[0e0]', '[0,0,9]']) check([gone, disposal(`{"entries":${list}}`)], '0 -');
  check([gone, disposal('{"entries":[7],"entries":[0]}')], '0 -');
  check([gone, disposal('{"entries":[0],"entries":[7]}')], '3 body of entry 0');
  for (const list of ['[0,"1"]', '[0,-1]', '[0,0.5]', '[0,null]', '0', '{"0":0}', 'null', '[0,9007199254740992]']) {
    check([gone, disposal(`{"entries":${list}}`)], '3 body of entry 0');
  }
  for (const body of ['null', '[0]', 'x', '{"entries":[0]']) check([gone, disposal(body)], '3 body of entry 0');
  check([disposal({ entries: [1] }), gone], '3 body of entry 1');
  check([{ ...disposal({ entries: [] }), gone: true }, disposal({ entries: [0] })], '3 body of entry 0');
  check([gone, { ...disposal({ entries: [0] }), rev: 0 }], '3 body of entry 0');
  // The two lists stand for themselves.
  check([gone, disposal({ entries: [0], rows: ['x'] })], '0 -');
  check([{ rows: ROWS, goneRows: [1] }, disposal({ entries: ['x'], rows: [{ batch: 0, n: [1] }] })], '0 -');
  check([{ rows: ROWS, goneRows: [1] }, disposal({ rows: [{ batch: 0, n: [0, 2] }] })], '3 row 1 of batch 0');
  check([{ rows: ROWS, goneRows: [1, 2] }, disposal({ rows: [{ batch: 0, n: [2] }] })], '3 row 1 of batch 0');
  check([{ rows: ROWS, goneRows: [1] }, disposal({ entries: [0] })], '3 row 1 of batch 0');
  check([{ rows: ROWS, gone: true, noRows: true }, disposal({ entries: [0] })], '0 -');
  check([{ rows: ROWS, gone: true }, disposal({ entries: [0] })], '3 row 0 of batch 0');
  // It counts although its own body was changed, and that is a problem of its own, behind the other.
  const { lines } = make([gone, disposal({ entries: [0] })]);
  assert.strictEqual(verdict(lines.map((l) => l.replace('{\\"entries\\"', '{ \\"entries\\"'))), '2 body of entry 1');
});

test('entries in the wrong place', () => {
  const { lines } = make([risk, { rows: ROWS }, risk]);
  const [h, e0, e1, r0, r1, r2, e2, c] = lines;
  assert.strictEqual(verdict(lines), '0 -');
  assert.strictEqual(verdict([h, e1, r0, r1, r2, e2, c]), '3 entry 0');
  assert.strictEqual(verdict([h, e0, e1, r0, r1, r2, c]), '3 entry 2');
  assert.strictEqual(verdict([h, c]), '3 entry 0');
  assert.strictEqual(verdict([h, e0, e2, e1, r0, r1, r2, c]), '3 entry 1');
  assert.strictEqual(verdict([h, e0, e1, r0, r1, r2, e2, e1, r0, r1, r2, c]), '3 entry 1');
  assert.strictEqual(verdict([h, r1, e0, e1, r0, r1, r2, e2, c]), '3 row 1 of batch 1');
  assert.strictEqual(verdict([h, e0, r0, e1, r1, r2, e2, c]), '3 row 0 of batch 1');
  assert.strictEqual(verdict([h, e0, e1, r1, r0, r2, e2, c]), '3 row 0 of batch 1');
  assert.strictEqual(verdict([h, e0, e1, r0, r2, e2, c]), '3 row 1 of batch 1');
  assert.strictEqual(verdict([h, e0, e1, r0, r1, e2, c]), '3 row 2 of batch 1');
  assert.strictEqual(verdict([h, e0, e1, r0, r1, r1, r2, e2, c]), '3 row 1 of batch 1');
  assert.strictEqual(verdict([h, e0, e1, r0, r1, r2, r2.replace('"n":2', '"n":3'), e2, c]), '3 row 3 of batch 1');
  assert.strictEqual(verdict([h, e0, r0.replace('"batch":1', '"batch":0'), e1, r0, r1, r2, e2, c]), '3 row 0 of batch 0');
  assert.strictEqual(verdict([h, e0, e1, r0.replace('sign_in', 'other'), r1, r2, e2, c]), '2 row 0 of batch 1');
  assert.strictEqual(verdict([h, e0, e1, r0, r1, r2.replace(/,"salt":"[^"]*"/, ''), e2, c]), '2 row 2 of batch 1');
  assert.strictEqual(verdict([h, e0, e1, r0, r1, r2.replace(/"h":"./, '"h":"0').replace(/,"salt.*$/, '}'), e2, c]), '3 row 2 of batch 1');
  assert.strictEqual(verdict([h, e0.replace(/,"salt":"[^"]*"/, ''), e1, r0, r1, r2, e2, c]), '2 body of entry 0');
  assert.strictEqual(verdict([h.replace('"size":3', '"size":2'), e0, e1, r0, r1, r2, e2, c]), '2 header');
  assert.strictEqual(verdict([h, e0, h, c]), '2 line 3');
  assert.strictEqual(verdict([h, e0, '', c]), '2 line 3');
  assert.strictEqual(verdict([h, e0, c, '\u0000']), '3 line 4');
});

test('entries that cannot be', () => {
  check([risk, { ...risk, at: '2026-03-06T08:59:59.999Z' }], '2 entry 1');
  check([risk, { ...risk, org: 'org_other' }], '2 entry 1');
  check([{ body: 'null', rev: 0 }], '2 body of entry 0');
  check([{ rows: [], kind: 'a', body: '{"table":"b","rows":0,"root":"' + rootOf([]) + '"}' }], '2 body of entry 0');
  check([{ rows: [], body: '{"table":"sign_in","rows":-1,"root":"' + rootOf([]) + '"}' }], '2 body of entry 0');
  check([{ rows: [], body: '{"table":"sign_in","rows":0,"root":"' + rootOf([]).toUpperCase() + '"}' }], '2 body of entry 0');
  check([{ rows: ROWS, body: '{"table":"sign_in","rows":3,"root":"' + rootOf([]) + '"}' }], '2 batch 0');
  check([{ rows: [], body: '{"table":"sign_in","rows":9007199254740991,"root":"' + rootOf([]) + '"}' }], '3 row 0 of batch 0');
});

test('kept checkpoints', () => {
  const { lines, roots } = make([risk, risk, risk]);
  const k = (n, root) => note(n, root || roots[n]);
  assert.strictEqual(verdict(lines, [k(0), k(1), k(2), k(3), k(1)]), '0 -');
  assert.strictEqual(verdict(lines, [k(1), k(2, roots[1])]), '5 kept 2');
  assert.strictEqual(verdict(lines, [k(0, roots[1])]), '5 kept 1');
  assert.strictEqual(verdict(lines, [k(4, roots[3])]), '5 kept 1');
  assert.strictEqual(verdict(lines, [k(4, roots[3]), k(1).replace('\n1\n', '\n2\n')]), '4 kept 2');
  assert.strictEqual(verdict(lines, [k(1), null]), '4 kept 2');
  assert.strictEqual(verdict(lines, [k(1).slice(0, -1)]), '4 kept 1');
  assert.strictEqual(verdict(lines, [k(1).replace(/\n/g, '\r\n')]), '4 kept 1');
  const other = '\u2014 somebody AAAAAAA=\n';
  assert.strictEqual(verdict(lines, [k(1) + other.repeat(99)]), '0 -');
  assert.strictEqual(verdict(lines, [k(1) + other.repeat(100)]), '4 kept 1');
  assert.strictEqual(verdict(lines, [k(1) + '\u2014 some\u00a0body AAAAAAA=\n']), '4 kept 1');
  assert.strictEqual(verdict(lines, [k(1) + '\u2014 some\ufeffbody AAAAAAA=\n']), '0 -');
  assert.strictEqual(verdict(lines, [k(1) + '\u2014 somebody AAAAAAB=\n']), '4 kept 1');
  // What the product answers with is as good as the note in it, where a person gives a file.
  const { noteIn } = core.format;
  assert.strictEqual(noteIn(JSON.stringify({ size: 1, note: k(1) }, null, 1)), k(1));
  for (const not of [null, '', k(1), '{', '{"note":""}', '{"note":1}', '["note"]', '{"Note":"x"}']) assert.strictEqual(noteIn(not), not);
  const broken = `\u2014 ${NAME} ${Buffer.concat([HASH, Buffer.alloc(64)]).toString('base64')}\n`;
  assert.strictEqual(verdict(lines, [k(1) + broken]), '0 -');
  assert.strictEqual(verdict(lines, [k(1).replace('\n\n', '\n\n' + broken)]), '4 kept 1');
});
