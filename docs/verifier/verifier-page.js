// SPDX-License-Identifier: Apache-2.0
//
// The page around the verifier: takes the files, runs the check in pieces so that the page stays alive, and
// shows the result. Whatever comes from a file is put in as text, never as markup.
(function () {
  'use strict';

  const { core, bytes, words } = globalThis.AssayVerifier;
  const { noteIn } = core.format;
  const PIECE = 4 << 20;
  const SHOWN = 200;
  const at = (id) => document.getElementById(id);

  let busy = false;

  function element(name, text, className) {
    const e = document.createElement(name);
    if (text !== undefined) e.textContent = text;
    if (className) e.className = className;
    return e;
  }

  // ---- input ----

  async function textOf(file) {
    return bytes.fromUtf8(new Uint8Array(await file.arrayBuffer()));
  }

  // The text of the key, or null if none was given. A file that is no text gives a malformed key.
  async function readKey() {
    const typed = at('key').value;
    if (typed.trim() !== '') return typed;
    const file = at('key-file').files[0];
    if (!file) return null;
    const text = await textOf(file);
    return text === null ? '' : text;
  }

  // [label, note] in the order in which they are numbered. Pasting often loses the last line end; to put
  // it back is safe, because it is not part of what is signed.
  async function readKept() {
    const list = [];
    for (const file of at('kept-files').files) list.push([file.name, noteIn(await textOf(file))]);
    const typed = at('kept').value;
    if (typed.trim() !== '') {
      const notes = [''];
      for (const line of typed.match(/[^\n]*\n|[^\n]+$/g)) {
        if (line.trimEnd() === '===') notes.push('');
        else notes[notes.length - 1] += line;
      }
      for (const note of notes) list.push(['pasted text', noteIn(note.endsWith('\n') ? note : note + '\n')]);
    }
    return list;
  }

  // ---- the check ----

  async function check(file, key, kept) {
    if (!(await bytes.selfTest())) throw new Error('this browser does not compute SHA-256 as it should');
    const run = new core.Run(key, kept.map(([, note]) => note));
    const bar = at('progress');
    for (let from = 0; from < file.size && run.stopped === null; from += PIECE) {
      run.push(new Uint8Array(await file.slice(from, from + PIECE).arrayBuffer()));
      bar.value = Math.min(1, (from + PIECE) / file.size);
      // Give the page a moment to draw and to take keys.
      await new Promise((go) => setTimeout(go, 0));
    }
    run.end();
    return run.verdictLater();
  }

  async function submit(event) {
    event.preventDefault();
    if (busy) return;
    const file = at('file').files[0];
    if (!file) {
      at('status').textContent = 'Choose a file first.';
      at('file').focus();
      return;
    }
    setBusy(true);
    at('result').hidden = true;
    at('status').textContent = 'Checking.';
    let result = null;
    let kept = [];
    try {
      kept = await readKept();
      result = await check(file, await readKey(), kept);
    } catch (e) {
      const why = `the check could not be done: ${e && e.message ? e.message : 'unknown cause'}`;
      result = { code: 1, object: 'file', why, problems: [], problemCount: 0, disposals: [], counts: { bodiesDisposed: 0, rowsDisposed: 0, disposals: 0 }, header: null, root: null };
    }
    setBusy(false);
    show(result, file.name, kept);
  }

  function setBusy(on) {
    busy = on;
    at('check').setAttribute('aria-disabled', String(on));
    at('progress').hidden = !on;
    at('progress').value = 0;
  }

  // ---- output ----

  function show(r, fileName, kept) {
    const v = words.verdict(r);
    const box = at('result');
    box.className = v.tone;
    box.replaceChildren();
    const title = element('h2', v.title);
    title.id = 'verdict';
    box.append(title, element('p', v.text));

    const remarks = words.remarks(r);
    if (remarks.length > 0) {
      const list = element('ul', undefined, 'remarks');
      for (const text of remarks) list.append(element('li', text));
      box.append(list);
    }

    const facts = element('dl');
    for (const [name, value] of [['File', fileName], ...words.facts(r)]) {
      const dd = element('dd', undefined, name === 'Root' ? 'mono' : '');
      dd.append(element('bdi', value));
      facts.append(element('dt', name), dd);
    }
    box.append(facts);

    if (kept.length > 0) {
      box.append(table('Kept checkpoints', 'in the order of their numbers', ['Number', 'From', 'Signed, as its signer says'],
        kept.map(([label], i) => [String(i + 1), label, (r.keptTimes && r.keptTimes[i]) || 'not said']), kept.length));
    }
    if (r.problemCount > 0) {
      box.append(table('Problems', 'the first decides the verdict', ['Code', 'Object', 'What is wrong'],
        r.problems.slice(0, SHOWN).map((p) => [String(p.code), p.object, p.why]), r.problemCount));
    }
    if (r.disposals.length > 0) {
      box.append(table('Disposals', 'visible, not prevented: read them', ['Entry', 'When', 'Who', 'Operation', 'Removed'],
        r.disposals.slice(0, SHOWN).map((d) => [String(d.seq), d.at, d.actor, d.op,
          `${words.count(d.bodies, 'body', 'bodies')}, ${words.count(d.rows, 'row', 'rows')}`]), r.counts.disposals));
    }
    box.hidden = false;
    at('status').textContent = `Done. ${v.title}.`;
    box.focus({ preventScroll: true });
    box.scrollIntoView({ block: 'start' });
  }

  function table(title, note, heads, rows, total) {
    const box = element('div', undefined, 'scroll');
    box.tabIndex = 0;
    box.setAttribute('role', 'region');
    box.setAttribute('aria-label', title);
    const t = element('table');
    const more = total > rows.length ? `; ${rows.length} of ${total.toLocaleString('en')} are shown` : '';
    t.append(element('caption', `${note}${more}`));
    const head = element('tr');
    for (const h of heads) {
      const th = element('th', h);
      th.scope = 'col';
      head.append(th);
    }
    const thead = element('thead');
    thead.append(head);
    const body = element('tbody');
    for (const row of rows) {
      const tr = element('tr');
      row.forEach((text, i) => {
        const td = element('td', undefined, i < 2 && text.length < 40 ? 'nowrap' : '');
        td.append(element('bdi', text));
        tr.append(td);
      });
      body.append(tr);
    }
    t.append(thead, body);
    box.append(element('h3', title), t);
    return box;
  }

  at('form').addEventListener('submit', submit);
})();
