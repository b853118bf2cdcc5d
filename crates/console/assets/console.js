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

// The teams of an organization appear as soon as it is chosen.
for (const chooser of document.querySelectorAll('select[data-teams]')) {
  const teams = document.getElementById(chooser.dataset.teams);
  chooser.addEventListener('change', async () => {
    const address = `${chooser.dataset.from}?organization=${encodeURIComponent(chooser.value)}`;
    const answer = await fetch(address, { headers: { accept: 'text/html' } });
    if (answer.ok) teams.innerHTML = await answer.text();
    teams.disabled = !answer.ok;
  });
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
