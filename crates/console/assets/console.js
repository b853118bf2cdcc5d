// What saves clicks; every page works without it.

// A form is sent once, however often its button is pressed. Downloads leave the page as it is.
for (const form of document.querySelectorAll('form:not([data-download])')) {
  form.addEventListener('submit', (event) => {
    if (form.dataset.sent) { event.preventDefault(); return; }
    form.dataset.sent = 'yes';
  });
}
// Back by the browser's history: the form can be sent again.
addEventListener('pageshow', () => {
  for (const form of document.querySelectorAll('form[data-sent]')) delete form.dataset.sent;
});

// What is wider than the screen is pushed by the arrow keys, too: where it is, it can have the focus.
const pushed = new ResizeObserver((entries) => {
  for (const { target } of entries) {
    const wide = target.scrollWidth > target.clientWidth;
    if (wide) target.tabIndex = 0; else target.removeAttribute('tabindex');
    const heading = target.closest('section')?.getAttribute('aria-labelledby');
    if (!heading || target.matches('pre')) continue;
    if (wide) { target.role = 'group'; target.setAttribute('aria-labelledby', heading); } else target.removeAttribute('role');
  }
});

// On a narrow screen the cells of a row stand below each other, each after the name of its column. It stays a table for who hears it.
const stack = (table) => {
  const columns = [...table.tHead.rows[0].cells].map((cell) => cell.textContent);
  table.classList.add('stacks');
  table.role = 'table';
  for (const row of table.rows) {
    row.role = 'row';
    for (const cell of row.cells) {
      cell.role = cell.tagName === 'TH' ? 'columnheader' : 'cell';
      // One box, so that its words stay together beside the column's name.
      if (cell.tagName === 'TD' && columns[cell.cellIndex]) {
        const words = document.createElement('div');
        words.append(...cell.childNodes);
        if (words.hasChildNodes()) cell.append(words);
        cell.dataset.column = columns[cell.cellIndex];
      }
    }
  }
};
const dress = (part) => {
  for (const one of part.querySelectorAll('.scroll, pre')) pushed.observe(one);
  for (const table of part.querySelectorAll('.scroll > table')) if (table.tHead) stack(table);
};
dress(document);

// A search shows what it finds while it is typed: the same page is asked for, and the part of it that was found takes its place.
for (const form of document.querySelectorAll('form[data-live]')) {
  const found = document.getElementById(form.dataset.live);
  const many = document.getElementById(`${found.id}-many`);
  let soon, wanted;
  let asked = new AbortController();
  const ask = async () => {
    // Its own `action` may be hidden by a field of that name.
    const address = new URL(form.getAttribute('action'), location);
    for (const [name, text] of new FormData(form)) if (text) address.searchParams.set(name, text);
    if (address.href === wanted) return;
    wanted = address.href;
    asked.abort();
    asked = new AbortController();
    try {
      const answer = await fetch(address, { headers: { accept: 'text/html' }, signal: asked.signal });
      const page = new DOMParser().parseFromString(await answer.text(), 'text/html');
      const part = page.getElementById(found.id);
      // Another page: the session has ended, or something is wrong. It says what.
      if (!part) { location.assign(address); return; }
      found.replaceChildren(...part.childNodes);
      many.textContent = page.getElementById(many.id).textContent;
      history.replaceState(null, '', address);
      dress(found);
    } catch (error) {
      if (error.name === 'AbortError') return;
      wanted = undefined;
      many.textContent = 'The server did not answer: what stands here is what was found before.';
    }
  };
  const later = () => { clearTimeout(soon); soon = setTimeout(ask, 200); };
  form.addEventListener('input', later);
  form.addEventListener('change', later);
  form.addEventListener('submit', () => { clearTimeout(soon); asked.abort(); });
}

// The teams of an organization appear as soon as it is chosen.
for (const chooser of document.querySelectorAll('[data-teams]')) {
  const teams = document.getElementById(chooser.dataset.teams);
  const offer = async () => {
    const address = `${chooser.dataset.from}?organization=${encodeURIComponent(chooser.value)}`;
    const answer = await fetch(address, { headers: { accept: 'text/html' } });
    if (answer.ok) teams.innerHTML = await answer.text();
    teams.disabled = !answer.ok;
  };
  chooser.addEventListener('change', offer);
  // Whoever was faster than this module has chosen already.
  if (chooser.value && teams.options.length < 2) offer();
}

// Long tables get a filter.
for (const table of document.querySelectorAll('table[data-filter]')) {
  const rows = [...table.tBodies[0].rows];
  if (rows.length < 8) continue;
  const field = document.createElement('p');
  field.className = 'field';
  const label = document.createElement('label');
  label.textContent = table.dataset.filter;
  label.htmlFor = `filter-${table.id}`;
  const input = document.createElement('input');
  input.id = label.htmlFor;
  input.type = 'search';
  field.append(label, input);
  table.parentElement.before(field);
  input.addEventListener('input', () => {
    const wanted = input.value.trim().toLowerCase();
    for (const row of rows) row.hidden = !row.textContent.toLowerCase().includes(wanted);
  });
}

// A file is read into the field that takes its text.
for (const field of document.querySelectorAll('textarea[data-file]')) {
  const label = document.createElement('label');
  label.textContent = field.dataset.file;
  label.htmlFor = `file-${field.id}`;
  const input = document.createElement('input');
  input.type = 'file';
  input.id = label.htmlFor;
  const line = document.createElement('p');
  line.className = 'field';
  line.append(label, input);
  field.parentElement.after(line);
  input.addEventListener('change', async () => {
    if (input.files[0]) field.value = await input.files[0].text();
  });
}

// What goes on is shown as it happens.
for (const place of document.querySelectorAll('[data-told]')) {
  const source = new EventSource(place.dataset.told);
  const says = document.querySelector(`[data-told-says="${place.id}"]`);
  source.addEventListener('look', (event) => {
    place.innerHTML = event.data;
    dress(place);
    const words = place.querySelector('[data-says]')?.textContent ?? '';
    if (says && says.textContent !== words) says.textContent = words;
  });
  source.addEventListener('end', () => source.close());
}
