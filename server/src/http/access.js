// The page on which the server is claimed, and people log in and out. It shows the part that fits the state of the server.
const element = (id) => document.getElementById(id);
const say = (text) => { element('problem').textContent = text; };

async function send(method, path, body) {
  const answer = await fetch(path, {
    method,
    headers: { 'Content-Type': 'application/json', Accept: 'application/json, text/plain' },
    body: body && JSON.stringify(body),
  });
  if (answer.ok) return;
  const text = await answer.text();
  let message = text;
  try { message = JSON.parse(text).message ?? JSON.parse(text).error ?? text; } catch { /* plain text */ }
  throw new Error(message || `The server answered ${answer.status}.`);
}

async function show() {
  const status = await (await fetch('/skServer/loginStatus', { cache: 'no-store' })).json();
  const parts = {
    open: !status.authenticationRequired,
    claim: status.authenticationRequired && status.noUsers === true,
    login: status.authenticationRequired && !status.noUsers && status.status !== 'loggedIn',
    in: status.status === 'loggedIn',
  };
  for (const [id, visible] of Object.entries(parts)) element(id).hidden = !visible;
  element('who').textContent = status.username ?? '';
  element('level').textContent = status.userLevel ?? '';
}

function onSubmit(id, work) {
  const form = element(id).querySelector('form');
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    say('');
    const button = form.querySelector('button');
    button.disabled = true;
    try {
      await work(new FormData(form));
      form.reset();
      await show();
    } catch (error) {
      say(error.message);
    } finally {
      button.disabled = false;
    }
  });
}

onSubmit('claim', (form) => send('POST', '/skServer/enableSecurity', {
  code: form.get('code'), userId: form.get('userId'), password: form.get('password'), type: 'admin',
  allow_readonly: form.has('allow_readonly'),
}));
onSubmit('login', (form) => send('POST', '/signalk/v1/auth/login', {
  username: form.get('username'), password: form.get('password'), rememberMe: form.has('rememberMe'),
}));
onSubmit('in', () => send('PUT', '/signalk/v1/auth/logout'));
show().catch(() => say('The server does not answer. Is it running?'));
