// SPDX-License-Identifier: Apache-2.0
//
// The verdict in plain words, for the page.
//
// Contract: from the result of a Run to a headline, a sentence, a tone (good, bad, doubt) and remarks.
// The tone is never the only sign of a verdict; the words carry it.
(function (root) {
  'use strict';

  const count = (n, one, many) => `${n.toLocaleString('en')} ${n === 1 ? one : many}`;

  function verdict(r) {
    const c = r.counts;
    const gone = c.bodiesDisposed + c.rowsDisposed > 0;
    switch (r.code) {
      case 0:
        return {
          tone: r.keyGiven ? 'good' : 'doubt',
          title: (gone ? 'Intact, with lawful disposals' : 'Intact') + (r.keyGiven ? '' : ', by a key nobody vouched for'),
          text: gone
            ? 'Every entry stands as it was written. What is gone was removed by disposals that are themselves entries; read them below.'
            : 'Every entry stands as it was written, in its place, and nothing is missing up to the checkpoint.',
        };
      case 1:
        return {
          tone: 'doubt',
          title: 'Not checked',
          text: `This is not a good verdict. ${sentence(r.why)}`,
        };
      case 2:
        return { tone: 'bad', title: `Broken at ${place(r.object)}: altered`, text: sentence(r.why) };
      case 3:
        return { tone: 'bad', title: `Broken at ${place(r.object)}: missing or extra`, text: sentence(r.why) };
      case 4:
        return {
          tone: 'bad',
          title: r.object === 'key' ? 'The key is not accepted' : `The signature of ${place(r.object)} is not accepted`,
          text: `${sentence(r.why)} Nothing in the file can be relied on until this is cleared up.`,
        };
      default:
        return {
          tone: 'bad',
          title: `Not an extension of ${place(r.object)}`,
          text: `${sentence(r.why)} The ledger was rebuilt or cut since you were given that checkpoint, or you were shown another one.`,
        };
    }
  }

  function place(object) {
    if (object === 'header' || object === 'root' || object === 'checkpoint') return `the ${object}`;
    if (object.startsWith('kept ')) return `kept checkpoint ${object.slice(5)}`;
    if (object.startsWith('body of')) return `the ${object}`;
    return object;
  }

  const sentence = (why) => (why === '' ? '' : why[0].toUpperCase() + why.slice(1) + '.');

  // What a reader must know beside the verdict.
  function remarks(r) {
    const list = [];
    if (r.root === null) return list;
    if (r.header.isPublic) {
      list.push('This is a public file: bodies, rows and disposals were not verified. Entries, order, times, tree and checkpoints were.');
    }
    if (!r.keyGiven) list.push('Nobody vouched for the key: it was taken from the file itself. Give the key you trust and check again.');
    if (r.counts.kept === 0) {
      list.push('No kept checkpoint was given. Whoever holds the signing key could have rebuilt the whole ledger, and this check would not show it.');
    }
    if (r.header.size === 0) list.push('The ledger is empty.');
    return list;
  }

  function facts(r) {
    const c = r.counts;
    const list = [['Verdict', `code ${r.code}, object ${r.object}`]];
    if (r.root === null) return list;
    list.push(['Ledger of', r.header.origin]);
    list.push(['Entries', `${c.entries.toLocaleString('en')} of ${r.header.size.toLocaleString('en')}`]);
    list.push(['Root', r.root]);
    if (r.time !== null) list.push(['Signed', `${r.time}, by the clock of the signer`]);
    if (!r.header.isPublic) {
      list.push(['Bodies', `${c.bodies.toLocaleString('en')} verified, ${c.bodiesDisposed.toLocaleString('en')} disposed of`]);
      list.push(['Rows', `${c.rows.toLocaleString('en')} verified, ${c.rowsDisposed.toLocaleString('en')} disposed of`]);
    }
    list.push(['Kept checkpoints', c.kept === 0 ? 'none given' : `${c.kept} given`]);
    list.push(['Key', r.keyGiven ? 'the one you gave' : 'taken from the file']);
    list.push(['Written, not signed', `${r.header.exportedAt} by ${r.header.program}`]);
    return list;
  }

  root.AssayVerifier.words = { verdict, remarks, facts, count };
})(globalThis);
