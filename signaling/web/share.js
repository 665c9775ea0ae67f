// What the other side needs: a link to this room, or a line for a terminal.

import {ofTab} from './memory.js';

export const NAME = /^[A-Za-z0-9._-]{1,64}$/;

/** Whether this page came from the machine that it is shown on: nobody else can open its address. */
export const isLocal = ['localhost', '127.0.0.1', '[::1]'].includes(location.hostname);

/** Address of this page that opens the room. */
export function link(room) {
  return `${location.origin}/${room ? `?room=${encodeURIComponent(room)}` : ''}`;
}

/** What a server that asks who one is has given out, behind the `#` of the address; it survives a reload, and is in no link. */
export function token() {
  const kept = ofTab('token');
  const given = new URLSearchParams(location.hash.slice(1)).get('token');
  if (given) kept.set(given);
  return kept.get();
}

/** The line to type there: `verb` is call or answer. */
export function command(verb, room) {
  const server = `${location.origin.replace(/^http/, 'ws')}/socket`;
  // Of a URL only an IPv6 address has what a shell would expand.
  return `peer-cli ${verb}${room ? ` ${room}` : ''} -s ${/[[\]]/.test(server) ? `'${server}'` : server}`;
}

/** Puts it on the clipboard; false where the browser does not let us. */
export async function copy(text, element) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // An insecure origin has no clipboard: what is to be copied is selected at least.
    getSelection().selectAllChildren(element);
    return document.execCommand('copy');
  }
}
