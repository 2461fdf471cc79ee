// SPDX-License-Identifier: Apache-2.0
//
// The second verifier of the ledger, written from docs/ledger-format.md alone: the verdict
// (sections 5, 6, 8 and 10). It has no dependencies and runs in Node 18+ and in a browser.
//
// Contract: make a Run with the trusted key and the kept notes, push the bytes of the file into it in pieces
// of any length, call end(), and take the verdict with verdict() or, where signatures are checked later,
// await verdictLater(). Memory does not grow with the file, except for what is removed from it.
//
// On the command line: node verify.js FILE [--key FILE] [--kept FILE]…   (see verify-cli.js)
(function (root) {
  'use strict';

  const inNode = typeof module === 'object' && module !== null && typeof require === 'function';
  const bytes = inNode ? require('./verify-bytes.js') : root.AssayVerifier.bytes;
  const format = inNode ? require('./verify-format.js') : root.AssayVerifier.format;
  const { Tree, proofHolds } = inNode ? require('./verify-tree.js') : root.AssayVerifier.tree;

  const MAX_LINE = 67108864;
  const MAX_LIST = 100000; // problems and disposals that are remembered; the verdict needs only the first

  // ---- the order of problems in stage 4 ----

  // Places within one entry, in the order of the list in section 10.
  const AT_PLACE = 0;
  const AT_LEAF = 1;
  const AT_ORG = 2;
  const AT_TIME = 3;
  const AT_BODY = 4;
  const AT_ROWS = 5;
  const AT_BATCH = 6;

  const inOrder = (a, b) =>
    a.entry - b.entry || a.place - b.place || a.n - b.n || b.code - a.code;

  // What is hashed for the leaf of a row in the tree of its batch (section 6): 0x00 and the 32 bytes of h.
  const leafInput = new Uint8Array(33);

  function rowLeaf(h) {
    leafInput.set(bytes.fromHex(h), 1);
    return leafInput;
  }

  // ---- one file ----

  class Run {
    // key: text of the trusted key, or null. kept: notes as text, null for one that is not UTF-8.
    constructor(key, kept) {
      this.givenKey = typeof key === 'string' ? format.trimKey(key) : null;
      this.kept = kept.map((note) => format.parseNote(note));
      this.keptRoots = new Map(); // size of a kept checkpoint -> root of that many entries of this file
      for (const k of this.kept) if (k) this.keptRoots.set(k.size, null);

      this.carry = [];
      this.carried = 0;
      this.lines = 0;
      this.stopped = null; // the problem of stage 1 or 2
      this.header = null;
      this.checkpoint = null;
      this.note = null; // the checkpoint as text, once its line was read

      this.tree = new Tree();
      this.next = 0;
      this.lastAt = '';
      this.current = null; // the entry whose rows may follow
      this.skipRows = false; // they follow an extra entry
      this.problems = [];
      this.first = null;
      this.problemCount = 0;
      this.goneBodies = new Set(); // absent and, so far, covered by no disposal
      this.goneRows = new Map(); // batch -> set of n
      this.disposals = [];
      this.counts = {
        entries: 0, bodies: 0, bodiesDisposed: 0, rows: 0, rowsDisposed: 0, disposals: 0, kept: kept.length,
      };
      this.noteRoot();
    }

    // -- lines (stages 1 and 2) --

    push(chunk) {
      let from = 0;
      while (this.stopped === null) {
        const end = chunk.indexOf(10, from);
        if (end < 0) break;
        let line = chunk.subarray(from, end);
        if (this.carried > 0) line = this.takeCarry(line);
        this.line(line, true);
        from = end + 1;
      }
      if (this.stopped !== null || from === chunk.length) return;
      this.carry.push(new Uint8Array(chunk.subarray(from))); // a copy: the caller may use the buffer again
      this.carried += chunk.length - from;
      if (this.note !== null || this.carried > MAX_LINE) this.line(null, false);
    }

    takeCarry(last) {
      const whole = new Uint8Array(this.carried + last.length);
      let at = 0;
      for (const piece of this.carry) {
        whole.set(piece, at);
        at += piece.length;
      }
      whole.set(last, at);
      this.carry = [];
      this.carried = 0;
      return whole;
    }

    end() {
      if (this.stopped !== null) return;
      if (this.carried > 0) this.line(this.takeCarry(new Uint8Array(0)), false);
      else if (this.lines === 0) this.stop(3, 'header', 'the file is empty');
      else if (this.note === null) this.stop(3, 'checkpoint', 'the file ends without its checkpoint');
      if (this.stopped === null) this.endContent();
    }

    stop(code, object, why) {
      this.stopped = { code, object, why };
    }

    // One line without its end. `raw` is null for a line of which the rest was not read.
    line(raw, ended) {
      const number = ++this.lines;
      const bad = (why) => this.stop(2, `line ${number}`, why);
      if (this.note !== null) {
        this.stop(3, `line ${number}`, 'a line stands after the checkpoint');
        return;
      }
      if (raw === null || raw.length > MAX_LINE) {
        bad('the line is longer than 64 MiB');
        return;
      }
      const text = bytes.fromUtf8(raw);
      if (number === 1) {
        this.header = text === null ? null : format.headerLine(text);
        const other = this.header === null && text !== null ? format.jsonObject(text) : null;
        if (other && typeof other.format === 'string' && other.format !== format.FORMAT) {
          this.header = null;
          this.stop(1, 'header', 'the file has a format that this verifier does not know');
        } else if (this.header === null) bad('this is not a header in the exact form of the format');
        else if (!ended) bad('the file ends within this line');
        return;
      }
      if (text === null) {
        bad('the line is not UTF-8');
        return;
      }
      if (!ended) {
        bad('the file ends within this line');
        return;
      }
      const hidden = this.header.isPublic;
      let x = null;
      if (text.startsWith('{"h"')) {
        x = hidden ? null : format.rowLine(text);
        if (x) this.row(x);
      } else if (text.startsWith('{"checkpoint"')) {
        x = format.checkpointLine(text);
        this.note = x;
      } else {
        x = format.entryLine(text);
        if (x && hidden && (x.body !== null || x.salt !== null)) x = null;
        if (x) this.entry(x);
      }
      if (x === null) bad(`the line is not in the exact form of ${hidden ? 'a public file' : 'the format'}`);
    }

    // -- content (stage 4) --

    problem(code, object, entry, place, n, why) {
      const p = { code, object, entry, place, n, why };
      if (this.first === null || inOrder(p, this.first) < 0) this.first = p;
      if (this.problemCount++ < MAX_LIST) this.problems.push(p);
    }

    noteRoot() {
      if (this.keptRoots.has(this.tree.size)) this.keptRoots.set(this.tree.size, this.tree.root());
    }

    entry(e) {
      this.endBatch();
      const s = e.seq;
      const size = this.header.size;
      const name = `entry ${s}`;
      if (s >= size || s < this.next) {
        const why = s >= size ? 'an entry beyond the size of the ledger' : 'an entry that stands here a second time, or out of order';
        this.problem(3, name, s, AT_PLACE, 0, why);
        this.skipRows = true;
        return;
      }
      if (s > this.next) this.missingEntries(this.next, s - 1);
      this.next = s + 1;
      this.skipRows = false;
      this.counts.entries++;

      const leaf = bytes.sha256Text('\u0000' + e.canonical);
      this.tree.add(leaf);
      this.noteRoot();
      if (bytes.toHex(leaf) !== e.leaf) this.problem(2, name, s, AT_LEAF, 0, 'its fields do not give its stored leaf');
      if ('assay/' + e.org !== this.header.origin) this.problem(2, name, s, AT_ORG, 0, 'it belongs to another organisation');
      if (e.at < this.lastAt) this.problem(2, name, s, AT_TIME, 0, 'it is earlier than the entry in front of it');
      this.lastAt = e.at;

      this.current = { seq: s, kind: e.kind, batch: null, m: 0, tree: null };
      if (!this.header.isPublic) this.body(e);
    }

    missingEntries(from, to) {
      const why = from === to ? 'it is missing' : `it is missing, and all others up to ${to}`;
      this.problem(3, `entry ${from}`, from, AT_PLACE, 0, why);
    }

    body(e) {
      const s = e.seq;
      const bad = (code, why) => this.problem(code, `body of entry ${s}`, s, AT_BODY, 0, why);
      if (e.body === null && e.salt === null) {
        if (e.kind === 'disposal') bad(3, 'it is gone, and the body of a disposal may never go');
        else this.goneBodies.add(s);
        return;
      }
      const batch = e.rev === 0 && e.body !== null ? format.batchBody(e.body, e.kind) : null;
      if (e.body === null || e.salt === null) bad(2, 'of the body and its salt only one is there');
      else {
        const digest = bytes.hmacText(bytes.fromBase64(e.salt), e.body);
        if (bytes.toHex(digest) !== e.digest) bad(2, 'it is not what the entry committed to');
        else if (e.rev === 0 && batch === null) bad(2, 'it does not describe a batch of facts');
        else this.counts.bodies++;
      }
      this.current.batch = batch;
      this.current.tree = batch === null ? null : new Tree();
      if (e.kind === 'disposal' && e.rev >= 1) this.disposal(e);
    }

    // A disposal covers only what stands in front of it, and all of that was read: so whatever it lists
    // and is gone need not be remembered any longer.
    disposal(e) {
      this.counts.disposals++;
      const entry = { seq: e.seq, actor: e.actor, at: e.at, op: e.op, bodies: 0, rows: 0 };
      if (this.disposals.length < MAX_LIST) this.disposals.push(entry);
      if (e.body === null) return;
      const lists = format.disposalBody(e.body);
      for (const n of lists.entries) {
        if (!this.goneBodies.delete(n)) continue;
        this.counts.bodiesDisposed++;
        entry.bodies++;
      }
      for (const r of lists.rows) {
        const gone = this.goneRows.get(r.batch);
        if (!gone) continue;
        for (const n of r.n) {
          if (!gone.delete(n)) continue;
          this.counts.rowsDisposed++;
          entry.rows++;
        }
        if (gone.size === 0) this.goneRows.delete(r.batch);
      }
    }

    row(r) {
      if (this.skipRows) return;
      const c = this.current;
      const n = r.n;
      const bad = (code, why) => this.problem(code, `row ${n} of batch ${r.batch}`, r.batch, AT_ROWS, n, why);
      if (c === null || r.batch !== c.seq) {
        bad(3, 'a row that does not belong to the entry in front of it');
        return;
      }
      if (c.batch === null) {
        bad(3, 'a row of an entry that can have none');
        return;
      }
      if (n < c.m || n >= c.batch.rows) {
        bad(3, 'a row more than the batch has');
        return;
      }
      if (n > c.m) this.missingRows(c, n - 1);
      c.m = n + 1;
      c.tree.add(bytes.sha256(rowLeaf(r.h)));
      if (r.table !== c.kind) bad(2, 'it says another table than its entry');
      else if ((r.salt === null) !== (r.text === null)) bad(2, 'of the row and its salt only one is there');
      else if (r.salt === null) {
        if (!this.goneRows.has(c.seq)) this.goneRows.set(c.seq, new Set());
        this.goneRows.get(c.seq).add(n);
      } else if (bytes.toHex(bytes.hmacText(bytes.fromBase64(r.salt), r.text)) !== r.h) {
        bad(2, 'it is not what the batch committed to');
      } else this.counts.rows++;
    }

    missingRows(c, to) {
      const why = c.m === to ? 'it is missing' : `it is missing, and all others up to ${to}`;
      this.problem(3, `row ${c.m} of batch ${c.seq}`, c.seq, AT_ROWS, c.m, why);
    }

    endBatch() {
      const c = this.current;
      this.current = null;
      if (c === null || c.batch === null) return;
      if (c.m < c.batch.rows) this.missingRows(c, c.batch.rows - 1);
      if (c.tree.root() !== c.batch.root) {
        this.problem(2, `batch ${c.seq}`, c.seq, AT_BATCH, 0, 'its rows do not give the root it committed to');
      }
    }

    endContent() {
      this.endBatch();
      if (this.next < this.header.size) this.missingEntries(this.next, this.header.size - 1);
      for (const s of this.goneBodies) {
        this.problem(3, `body of entry ${s}`, s, AT_BODY, 0, 'it is gone, and no disposal says so');
      }
      for (const [b, rows] of this.goneRows) {
        for (const n of rows) {
          this.problem(3, `row ${n} of batch ${b}`, b, AT_ROWS, n, 'it is gone, and no disposal says so');
        }
      }
    }

    // -- the verdict --

    // The signatures to check: [0] of the checkpoint of the file, [K] of kept checkpoint K. Null where there
    // is nothing that could be good.
    signatureJobs() {
      if (this.stopped !== null) return [];
      this.key = format.parseKey(this.givenKey !== null ? this.givenKey : this.header.key);
      this.checkpoint = format.parseNote(this.note);
      if (this.key === null) return [];
      return [this.checkpoint, ...this.kept].map((n) => (n === null ? null : format.signatureJob(n, this.key)));
    }

    verdict() {
      const check = (j) => j !== null && bytes.ed25519Sync(j.publicKey, j.message, j.signature);
      return this.conclude(this.signatureJobs().map(check));
    }

    async verdictLater() {
      const check = async (j) => j !== null && bytes.ed25519(j.publicKey, j.message, j.signature);
      return this.conclude(await Promise.all(this.signatureJobs().map(check)));
    }

    conclude(good) {
      const keyGiven = this.givenKey !== null;
      if (this.stopped !== null) return this.result([this.stopped], 1, keyGiven);
      const list = [];
      const add = (code, object, why) => list.push({ code, object, why });

      if (this.key === null) add(4, 'key', keyGiven ? 'the given key is malformed' : 'the key in the header is malformed');
      if (keyGiven && this.givenKey !== this.header.key) add(4, 'key', 'the file names another key than the one you gave');
      if (this.key !== null) {
        if (this.header.origin !== this.key.name) add(4, 'key', 'the origin in the header is not the name in the key');
        if (!good[0]) add(4, 'checkpoint', 'it is malformed, or not signed by the key');
        this.kept.forEach((_, i) => {
          if (!good[i + 1]) add(4, `kept ${i + 1}`, 'it is malformed, or not signed by the key');
        });
      }

      const c = this.checkpoint;
      if (c !== null && c.size !== this.header.size) add(2, 'header', 'its size is not the size in the checkpoint');
      const content = this.problems.sort(inOrder);
      if (this.first !== null && content[0] !== this.first) content.unshift(this.first);
      for (const p of content) list.push(p);

      if (c !== null && this.tree.root() !== c.root) add(2, 'root', 'the entries do not give the root in the checkpoint');
      this.kept.forEach((k, i) => {
        if (k === null || c === null) return;
        if (k.size > c.size) add(5, `kept ${i + 1}`, 'it has more entries than the ledger');
        else if (this.keptRoots.get(k.size) !== k.root) add(5, `kept ${i + 1}`, 'the ledger did not grow out of it');
      });
      return this.result(list, list.length - content.length + Math.max(this.problemCount, content.length), keyGiven);
    }

    result(list, total, keyGiven) {
      const first = list.length > 0 ? list[0] : { code: 0, object: '-', why: '' };
      return {
        code: first.code,
        object: first.object,
        why: first.why,
        problems: list,
        problemCount: total,
        counts: this.counts,
        disposals: this.disposals,
        header: this.header,
        keyGiven,
        root: this.stopped === null ? this.tree.root() : null,
        // When the signers say that they signed; null where a note says nothing or is malformed.
        time: this.checkpoint ? this.checkpoint.time : null,
        keptTimes: this.kept.map((k) => (k === null ? null : k.time)),
      };
    }
  }

  const api = { Run, Tree, proofHolds, bytes, format };
  if (inNode) module.exports = api;
  else root.AssayVerifier.core = api;

  if (inNode && require.main === module) {
    require('./verify-cli.js').main(api, process.argv.slice(2));
  }
})(globalThis);
