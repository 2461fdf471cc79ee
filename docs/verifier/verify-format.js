// SPDX-License-Identifier: Apache-2.0
//
// Reading of one line, one key and one checkpoint: sections 2, 5, 6, 7 and 9 of docs/ledger-format.md.
//
// Contract: every function here gives the value, or null for whatever is not exactly as the document says.
// Lines are matched against the one canonical form they can have. That is stricter than reading JSON and
// writing it again, gives the same answer, and never builds a value that a hostile line asks for.
(function (root) {
  'use strict';

  const inNode = typeof module === 'object' && module !== null && typeof require === 'function';
  const bytes = inNode ? require('./verify-bytes.js') : root.AssayVerifier.bytes;

  const FORMAT = 'assay-ledger/v1';
  const NAME = '[!#-\\[\\]-~]{1,80}'; // 0x21 to 0x7e without " and \
  const NUMBER = '0|[1-9][0-9]{0,15}';
  const TIME = '[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\\.[0-9]{3}Z';
  const HEX64 = '[0-9a-f]{64}';
  // Base64 of 32 and of 16 bytes; the last character has its unused bits zero.
  const SALT32 = '[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=';
  const SALT16 = '[A-Za-z0-9+/]{21}[AQgw]==';

  const NUMBER_ONLY = new RegExp(`^(?:${NUMBER})$`);
  const KEY_NAME = /^assay\/[a-z][a-z0-9_-]{0,63}$/; // an organisation is narrower than a name
  const TIME_LINE = new RegExp(`^time (${TIME})$`);
  const HEX_ONLY = new RegExp(`^${HEX64}$`);

  // Text of a number, as in section 2.
  function number(text) {
    if (!NUMBER_ONLY.test(text)) return null;
    const n = Number(text);
    return n <= Number.MAX_SAFE_INTEGER ? n : null;
  }

  // A JSON value that is one of the numbers of section 2 (section 5: 3, 3.0 and 3e0 are the same).
  const isCount = (v) => Number.isSafeInteger(v) && v >= 0;

  const MONTH = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

  // Text that already has the shape of TIME: is it a moment that exists?
  function momentExists(t) {
    const year = +t.slice(0, 4);
    const month = +t.slice(5, 7);
    const day = +t.slice(8, 10);
    if (month < 1 || month > 12 || day < 1) return false;
    const leap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
    if (day > MONTH[month - 1] + (month === 2 && leap ? 1 : 0)) return false;
    return t.slice(11, 13) < '24' && t.slice(14, 16) < '60' && t.slice(17, 19) < '60';
  }

  // ---- strings ----

  // Where the string ends that was last read: the place behind its closing quote.
  let stringEnd = 0;
  const NOT_PLAIN = /[\\\u0000-\u001f]/;
  const SURROGATE = /\p{Surrogate}/u; // with the u flag: only one that has no partner

  // Read a canonical JSON string of which the opening quote stands in front of `from`.
  function readString(line, from) {
    let end = from;
    for (;;) {
      end = line.indexOf('"', end);
      if (end < 0) return null;
      let slashes = 0;
      while (end - slashes > from && line.charCodeAt(end - slashes - 1) === 0x5c) slashes++;
      if (slashes % 2 === 0) break;
      end++;
    }
    stringEnd = end + 1;
    const raw = line.slice(from, end);
    if (!NOT_PLAIN.test(raw)) return raw;
    const quoted = line.slice(from - 1, end + 1);
    let value;
    try {
      value = JSON.parse(quoted);
    } catch {
      return null;
    }
    // JSON.stringify writes strings as RFC 8785 does, except that it lets a lone surrogate stand as \u.
    if (JSON.stringify(value) !== quoted) return null;
    if (raw.includes('\\ud') && SURROGATE.test(value)) return null;
    return value;
  }

  // ---- JSON objects that need not be canonical (bodies, and line 1 for the format) ----

  const MAX_DEPTH = 10000;

  // Deep nesting would exhaust the memory of a reader; nothing lawful comes near the limit.
  function tooDeep(text) {
    let depth = 0;
    let inText = false;
    for (let i = 0; i < text.length; i++) {
      const c = text.charCodeAt(i);
      if (inText) {
        if (c === 0x5c) i++;
        else if (c === 0x22) inText = false;
      } else if (c === 0x22) inText = true;
      else if (c === 0x5b || c === 0x7b) {
        if (++depth > MAX_DEPTH) return true;
      } else if (c === 0x5d || c === 0x7d) depth--;
    }
    return false;
  }

  function jsonObject(text) {
    if (text.length > MAX_DEPTH && tooDeep(text)) return null;
    try {
      const v = JSON.parse(text);
      return typeof v === 'object' && v !== null && !Array.isArray(v) ? v : null;
    } catch {
      return null;
    }
  }

  // The body of a batch of facts (section 6), or null.
  function batchBody(text, kind) {
    const o = jsonObject(text);
    if (o === null || o.table !== kind || !isCount(o.rows)) return null;
    if (typeof o.root !== 'string' || !HEX_ONLY.test(o.root)) return null;
    return { rows: o.rows, root: o.root };
  }

  // What a disposal lists (section 5). A list with one wrong member is ignored as a whole.
  function disposalBody(text) {
    const none = { entries: [], rows: [] };
    const o = jsonObject(text);
    if (o === null) return none;
    const numbers = (v) => Array.isArray(v) && v.every(isCount);
    const isRows = (r) =>
      typeof r === 'object' && r !== null && !Array.isArray(r) && isCount(r.batch) && numbers(r.n);
    if (numbers(o.entries)) none.entries = o.entries;
    if (Array.isArray(o.rows) && o.rows.every(isRows)) none.rows = o.rows;
    return none;
  }

  // ---- lines ----

  const HEADER_START = new RegExp(`^\\{"exported_at":"(${TIME})","format":"${FORMAT}","key":"`);
  const HEADER_END = new RegExp(`,"public":(true|false),"size":(${NUMBER})\\}$`, 'y');

  function headerLine(line) {
    const start = HEADER_START.exec(line);
    if (!start || !momentExists(start[1])) return null;
    const key = readString(line, start[0].length);
    if (key === null || !line.startsWith(',"origin":"', stringEnd)) return null;
    const origin = readString(line, stringEnd + 11);
    if (origin === null || !line.startsWith(',"program":"', stringEnd)) return null;
    const program = readString(line, stringEnd + 12);
    if (program === null) return null;
    HEADER_END.lastIndex = stringEnd;
    const end = HEADER_END.exec(line);
    const size = end && number(end[2]);
    if (size === null) return null;
    return { exportedAt: start[1], key, origin, program, isPublic: end[1] === 'true', size };
  }

  const ENTRY = new RegExp(
    '"entry":(\\{' +
      `"actor":"(${NAME})","at":"(${TIME})","digest":"(${HEX64})","id":"${NAME}","kind":"(${NAME})",` +
      `"op":"(${NAME})","org":"(${NAME})","rev":(${NUMBER}),"seq":(${NUMBER}),"v":1,"via":"${NAME}"` +
      `\\}),"leaf":"(${HEX64})"(?:,"salt":"(${SALT32})")?\\}$`,
    'y',
  );

  // `canonical` is the entry as it stands in the line: the pattern leaves it no other form.
  function entryLine(line) {
    let body = null;
    let from = 1;
    if (line.startsWith('{"body":"')) {
      body = readString(line, 9);
      if (body === null || line[stringEnd] !== ',') return null;
      from = stringEnd + 1;
    } else if (line[0] !== '{') return null;
    ENTRY.lastIndex = from;
    const m = ENTRY.exec(line);
    if (!m || !momentExists(m[3])) return null;
    const rev = number(m[8]);
    const seq = number(m[9]);
    if (rev === null || seq === null) return null;
    return {
      body, canonical: m[1], actor: m[2], at: m[3], digest: m[4], kind: m[5], op: m[6], org: m[7],
      rev, seq, leaf: m[10], salt: m[11] === undefined ? null : m[11],
    };
  }

  const ROW = new RegExp(
    `\\{"h":"(${HEX64})","n":(${NUMBER}),"rows":\\{"batch":(${NUMBER}),"table":"(${NAME})"\\}` +
      `(?:,"salt":"(${SALT16})")?(,"text":"|\\}$)`,
    'y',
  );

  function rowLine(line) {
    ROW.lastIndex = 0;
    const m = ROW.exec(line);
    if (!m) return null;
    const n = number(m[2]);
    const batch = number(m[3]);
    if (n === null || batch === null) return null;
    let text = null;
    if (m[6] !== '}') {
      text = readString(line, ROW.lastIndex);
      if (text === null || line.slice(stringEnd) !== '}') return null;
    }
    return { h: m[1], n, batch, table: m[4], salt: m[5] === undefined ? null : m[5], text };
  }

  function checkpointLine(line) {
    if (!line.startsWith('{"checkpoint":"')) return null;
    const note = readString(line, 15);
    return note === null || line.slice(stringEnd) !== '}' ? null : note;
  }

  // ---- keys and checkpoints ----

  function parseKey(text) {
    const one = text.indexOf('+');
    const two = one < 0 ? -1 : text.indexOf('+', one + 1);
    if (two < 0) return null;
    const name = text.slice(0, one);
    if (!KEY_NAME.test(name)) return null;
    const raw = text.length - two === 45 ? bytes.fromBase64(text.slice(two + 1)) : null;
    if (raw === null || raw.length !== 33 || raw[0] !== 1) return null;
    const named = new Uint8Array([...bytes.toUtf8(name + '\n'), ...raw]);
    const hash = bytes.toHex(bytes.sha256(named).subarray(0, 4));
    if (text.slice(one + 1, two) !== hash) return null;
    return { name, hash, publicKey: raw.subarray(1) };
  }

  const CONTROL = /[\u0000-\u0009\u000b-\u001f]/;
  const WHITE = /\p{White_Space}/u;

  function signatureLine(line) {
    if (!line.startsWith('\u2014 ')) return null;
    const space = line.indexOf(' ', 2);
    if (space < 0) return null;
    const name = line.slice(2, space);
    if (name === '' || name.includes('+') || WHITE.test(name)) return null;
    const raw = bytes.fromBase64(line.slice(space + 1));
    if (raw === null || raw.length < 5) return null;
    return { name, hash: bytes.toHex(raw.subarray(0, 4)), signature: raw.subarray(4) };
  }

  // A note as text (null for bytes that are not UTF-8). Gives the checkpoint, or null if it is malformed.
  function parseNote(note) {
    if (note === null || CONTROL.test(note) || SURROGATE.test(note)) return null;
    const cut = note.lastIndexOf('\n\n');
    if (cut < 0 || !note.endsWith('\n') || cut + 2 === note.length) return null;
    const text = note.slice(0, cut + 1);
    const lines = text.slice(0, -1).split('\n');
    if (lines.length < 3 || lines.includes('')) return null;
    const size = number(lines[1]);
    const hash = lines[2].length === 44 ? bytes.fromBase64(lines[2]) : null;
    if (size === null || hash === null || hash.length !== 32) return null;
    const signed = note.slice(cut + 2, -1).split('\n', 101);
    if (signed.length > 100) return null;
    const signatures = signed.map(signatureLine);
    if (signatures.includes(null)) return null;
    const said = lines.length > 3 ? TIME_LINE.exec(lines[3]) : null;
    const time = said && momentExists(said[1]) ? said[1] : null;
    return { text, origin: lines[0], size, root: bytes.toHex(hash), time, signatures };
  }

  // What a person kept: the note itself, or the JSON object in which the product gives it out (appendix B).
  function noteIn(text) {
    const o = text === null ? null : jsonObject(text);
    return o !== null && typeof o.note === 'string' && o.note !== '' ? o.note : text;
  }

  // What must be verified to trust a checkpoint by a key, or null if no signature could make it good.
  function signatureJob(note, key) {
    const s = note.signatures.find((x) => x.name === key.name && x.hash === key.hash);
    if (!s || s.signature.length !== 64 || note.origin !== key.name) return null;
    return { publicKey: key.publicKey, message: bytes.toUtf8(note.text), signature: s.signature };
  }

  const api = {
    FORMAT, HEX_ONLY, isCount, jsonObject, batchBody, disposalBody,
    headerLine, entryLine, rowLine, checkpointLine, parseKey, parseNote, noteIn, signatureJob,
    number, momentExists,
    // Section 10, stage 3: spaces and line ends around a key that was given are dropped.
    trimKey: (text) => text.replace(/^[ \r\n]+/, '').replace(/[ \r\n]+$/, ''),
  };
  if (inNode) module.exports = api;
  else root.AssayVerifier.format = api;
})(globalThis);
