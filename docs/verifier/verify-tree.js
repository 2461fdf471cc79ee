// SPDX-License-Identifier: Apache-2.0
//
// The Merkle tree of RFC 6962 and its proofs: section 3 of docs/ledger-format.md.
(function (root) {
  'use strict';

  const inNode = typeof module === 'object' && module !== null && typeof require === 'function';
  const bytes = inNode ? require('./verify-bytes.js') : root.AssayVerifier.bytes;
  const format = inNode ? require('./verify-format.js') : root.AssayVerifier.format;

  // ---- the tree (section 3) ----

  const pair = new Uint8Array(65);
  pair[0] = 1;

  function hashPair(left, right) {
    pair.set(left, 1);
    pair.set(right, 33);
    return bytes.sha256(pair);
  }

  class Tree {
    constructor() {
      this.size = 0;
      this.list = []; // [hash, height]
    }

    add(leaf) {
      let hash = leaf;
      let height = 0;
      const list = this.list;
      while (list.length > 0 && list[list.length - 1][1] === height) {
        hash = hashPair(list.pop()[0], hash);
        height++;
      }
      list.push([hash, height]);
      this.size++;
    }

    root() {
      let i = this.list.length - 1;
      if (i < 0) return bytes.toHex(bytes.sha256(new Uint8Array(0)));
      let r = this.list[i][0];
      while (--i >= 0) r = hashPair(this.list[i][0], r);
      return bytes.toHex(r);
    }
  }

  // ---- proofs (RFC 9162, 2.1.3.2 and 2.1.4.2); sizes are larger than what bit operations hold ----

  const half = (n) => Math.floor(n / 2);

  function inclusionHolds(size, seq, leaf, rootHash, proof) {
    if (seq >= size) return false;
    let fn = seq;
    let sn = size - 1;
    let r = leaf;
    for (const p of proof) {
      if (sn === 0) return false;
      if (fn % 2 === 1 || fn === sn) {
        r = hashPair(p, r);
        while (fn % 2 === 0 && fn !== 0) {
          fn = half(fn);
          sn = half(sn);
        }
      } else r = hashPair(r, p);
      fn = half(fn);
      sn = half(sn);
    }
    return sn === 0 && bytes.same(r, rootHash);
  }

  function consistencyHolds(size, old, oldRoot, rootHash, proof) {
    if (old < 1 || old > size) return false;
    if (old === size) return proof.length === 0 && bytes.same(oldRoot, rootHash);
    if (proof.length === 0) return false;
    let power = old;
    while (power % 2 === 0) power = half(power);
    const path = power === 1 ? [oldRoot, ...proof] : proof;
    let fn = old - 1;
    let sn = size - 1;
    while (fn % 2 === 1) {
      fn = half(fn);
      sn = half(sn);
    }
    let fr = path[0];
    let sr = path[0];
    for (const c of path.slice(1)) {
      if (sn === 0) return false;
      if (fn % 2 === 1 || fn === sn) {
        fr = hashPair(c, fr);
        sr = hashPair(c, sr);
        while (fn % 2 === 0 && fn !== 0) {
          fn = half(fn);
          sn = half(sn);
        }
      } else sr = hashPair(sr, c);
      fn = half(fn);
      sn = half(sn);
    }
    return sn === 0 && bytes.same(fr, oldRoot) && bytes.same(sr, rootHash);
  }

  // One line of a proofs file, read as JSON. False for whatever is not a proof that holds.
  function proofHolds(p) {
    const hash = (v) => typeof v === 'string' && format.HEX_ONLY.test(v);
    if (typeof p !== 'object' || p === null || !format.isCount(p.size) || !hash(p.root)) return false;
    if (!Array.isArray(p.proof) || !p.proof.every(hash)) return false;
    const path = p.proof.map(bytes.fromHex);
    const rootHash = bytes.fromHex(p.root);
    if (p.type === 'inclusion' && format.isCount(p.seq) && hash(p.leaf)) {
      return inclusionHolds(p.size, p.seq, bytes.fromHex(p.leaf), rootHash, path);
    }
    if (p.type === 'consistency' && format.isCount(p.old) && hash(p.old_root)) {
      return consistencyHolds(p.size, p.old, bytes.fromHex(p.old_root), rootHash, path);
    }
    return false;
  }

  const api = { Tree, proofHolds };
  if (inNode) module.exports = api;
  else root.AssayVerifier.tree = api;
})(globalThis);
