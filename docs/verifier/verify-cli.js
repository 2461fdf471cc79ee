// SPDX-License-Identifier: Apache-2.0
//
// The command line of the verifier: one file, or the three batch commands of appendix B. Node only.
//
// Contract: for one file the exit code is the code of the verdict, and 1 for whatever could not be done.
// The batch commands exit with 0 if they could do the work at all, whatever the verdicts were.
'use strict';

const fs = require('node:fs');
const path = require('node:path');

const PIECE = 1 << 20;
const buffer = Buffer.allocUnsafeSlow(PIECE);
const SHOWN = 50;

const USAGE = `use: node verify.js FILE [--key KEYFILE] [--kept NOTEFILE]...
     node verify.js --batch DIR
     node verify.js --proofs FILE
     node verify.js --checkpoints FILE
`;

function main(core, args) {
  try {
    process.exitCode = run(core, args);
  } catch (e) {
    // Whatever happens, a check that was not done must never look like a good one.
    process.stderr.write(`not checked: ${plain(String(e && e.message))}\n`);
    process.exitCode = 1;
  }
}

function run(core, args) {
  if (args.length === 2 && args[0] === '--batch') return batch(core, args[1]);
  if (args.length === 2 && args[0] === '--proofs') return eachLine(core, args[1], proofLine);
  if (args.length === 2 && args[0] === '--checkpoints') return eachLine(core, args[1], checkpointLine);
  return one(core, args);
}

// ---- one file ----

function one(core, args) {
  let file = null;
  let key = null;
  const kept = [];
  for (let i = 0; i < args.length; i++) {
    const a = args[i];
    const value = args[i + 1];
    if ((a === '--key' && key === null) || a === '--kept') {
      if (value === undefined) return usage();
      i++;
      // Bytes that are no text make a malformed key or note, which has a verdict of its own.
      const text = core.bytes.fromUtf8(fs.readFileSync(value));
      if (a === '--key') key = text === null ? '' : text;
      else kept.push(core.format.noteIn(text));
    } else if (file === null && !a.startsWith('--')) file = a;
    else return usage();
  }
  if (file === null) return usage();
  const r = verifyFile(core, file, key, kept);
  process.stdout.write(report(r));
  return r.code;
}

function usage() {
  process.stderr.write(USAGE);
  return 1;
}

function verifyFile(core, file, key, kept) {
  const checked = new core.Run(key, kept);
  const fd = fs.openSync(file, 'r');
  try {
    for (;;) {
      const n = fs.readSync(fd, buffer, 0, PIECE, null);
      if (n === 0) break;
      checked.push(buffer.subarray(0, n));
      if (checked.stopped !== null) break;
    }
  } finally {
    fs.closeSync(fd);
  }
  checked.end();
  return checked.verdict();
}

// Text of a hostile file must not reach the terminal as control characters.
const plain = (text) => text.replace(/[^\x20-\x7e]/g, '?').slice(0, 200);

const HEADLINE = [
  'good', 'NOT CHECKED', 'ALTERED', 'MISSING OR EXTRA', 'BAD SIGNATURE OR KEY', 'NOT AN EXTENSION OF A KEPT CHECKPOINT',
];

function report(r) {
  const out = [`${r.code} ${r.object}`, `${HEADLINE[r.code]}${r.why ? ': ' + r.why : ''}`, ''];
  const c = r.counts;
  if (r.root !== null) {
    out.push(`organisation   ${plain(r.header.origin)}`);
    out.push(`entries        ${c.entries} (the header says ${r.header.size})`);
    out.push(`root           ${r.root}`);
    if (r.time !== null) out.push(`signed         ${r.time} by the clock of the signer`);
    if (!r.header.isPublic) {
      out.push(`bodies         ${c.bodies} verified, ${c.bodiesDisposed} disposed of`);
      out.push(`rows           ${c.rows} verified, ${c.rowsDisposed} disposed of`);
    }
    out.push(`kept           ${c.kept} checkpoints given${r.keptTimes.some(Boolean) ? ', signed ' + r.keptTimes.map((t) => t || 'at no said time').join(', ') : ''}`);
    out.push(`header says    written ${r.header.exportedAt} by ${plain(r.header.program)} (not signed)`);
    out.push('');
  }
  if (r.problemCount > 1) {
    out.push(`${r.problemCount} problems, the first ones:`);
    for (const p of r.problems.slice(0, SHOWN)) out.push(`  ${p.code} ${p.object}: ${p.why}`);
    out.push('');
  }
  if (r.disposals.length > 0) {
    out.push(`${c.disposals} disposals; read them, they are visible and not prevented:`);
    for (const d of r.disposals.slice(0, SHOWN)) {
      out.push(`  entry ${d.seq}  ${d.at}  ${d.actor}  ${d.op}  bodies gone ${d.bodies}, rows gone ${d.rows}`);
    }
    out.push('');
  }
  out.push(...remarks(r));
  return out.join('\n') + '\n';
}

function remarks(r) {
  const out = [];
  if (r.code === 1) return ['Nothing was checked. Do not read this as good.'];
  if (r.root !== null && r.header.isPublic) {
    out.push('The file is public: bodies, rows and disposals were not verified, only entries, tree and checkpoints.');
  }
  if (!r.keyGiven) out.push('Nobody vouched for the key: it was taken from the file itself. Give the one you trust with --key.');
  if (r.counts.kept === 0) out.push('No kept checkpoint was given: whoever holds the key could have rebuilt the whole ledger.');
  out.push('A good verdict shows that nothing changed since it was written, not that it was true when it was written.');
  return out;
}

// ---- the batch commands ----

function batch(core, dir) {
  const files = new Set(fs.readdirSync(dir));
  const names = [...files].filter((f) => /^[0-9]{5}\.ndjson$/.test(f)).sort();
  const out = [];
  for (const f of names) {
    const name = f.slice(0, 5);
    const read = (ext) => (files.has(name + ext) ? fs.readFileSync(path.join(dir, name + ext)) : null);
    let r = { code: 1, object: 'file' }; // one that cannot be read does not stop the others
    try {
      const keyBytes = read('.key');
      const keptBytes = read('.kept');
      const key = keyBytes === null ? null : core.bytes.fromUtf8(keyBytes) || '';
      const kept = keptBytes === null ? [] : splitNotes(keptBytes).map(core.bytes.fromUtf8);
      r = verifyFile(core, path.join(dir, f), key, kept);
    } catch (e) {
      process.stderr.write(`${name} not checked: ${plain(String(e && e.message))}\n`);
    }
    out.push(`${name} ${r.code} ${r.object}\n`);
  }
  process.stdout.write(out.join(''));
  return 0;
}

// Notes with a line of exactly === between two, byte for byte. Latin-1 keeps bytes as they are.
function splitNotes(all) {
  if (all.length === 0) return [];
  const notes = [''];
  for (const line of all.toString('latin1').match(/[^\n]*\n|[^\n]+$/g)) {
    if (line === '===\n' || line === '===') notes.push('');
    else notes[notes.length - 1] += line;
  }
  return notes.map((n) => Buffer.from(n, 'latin1'));
}

// A line that is no JSON is an undefined value, and so a bad one.
function eachLine(core, file, judge) {
  const text = fs.readFileSync(file, 'utf8');
  const lines = text.endsWith('\n') ? text.slice(0, -1).split('\n') : text.split('\n');
  const out = lines.map((line, i) => {
    let value = null;
    try {
      value = JSON.parse(line);
    } catch {
      value = null;
    }
    return `${i + 1} ${judge(core, value)}\n`;
  });
  process.stdout.write(text === '' ? '' : out.join(''));
  return 0;
}

const proofLine = (core, value) => (core.proofHolds(value) ? 'ok' : 'bad');

function checkpointLine(core, value) {
  if (typeof value !== 'object' || value === null) return 4;
  if (typeof value.key !== 'string' || typeof value.note !== 'string') return 4;
  const key = core.format.parseKey(value.key);
  const note = core.format.parseNote(value.note);
  const job = key === null || note === null ? null : core.format.signatureJob(note, key);
  return job !== null && core.bytes.ed25519Sync(job.publicKey, job.message, job.signature) ? 0 : 4;
}

module.exports = { main };
