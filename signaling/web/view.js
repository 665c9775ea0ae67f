// What is seen: the only module that knows the elements of the page. It decides nothing.

import {Plot} from './plot.js';
import {cameAndWent, duration, kindOf, nameOf} from './words.js';

/** Messages that are kept on the page. */
const MAX_MESSAGES = 500;
/** Who comes and goes is told together, once in so long: somebody who connects again is not told at all; ms. */
const TOLD_EVERY = 1000;
/** Whoever was about to press something else when it began to ring takes no call by that; ms. */
const TOO_EARLY = 400;

const $ = (id) => document.getElementById(id);
const plot = new Plot($('plot'));

function element(tag, text = '', className = '') {
  const made = document.createElement(tag);
  made.textContent = text;
  if (className) made.className = className;
  return made;
}

function text(id, words) {
  // A screen reader is told of what changes only.
  if ($(id).textContent !== words) $(id).textContent = words;
}

/** Shows what belongs to a state, which is loading until this is called first: start, joined, ringing, calling, connecting, call, ended or failed. */
export function show(state, reason = '') {
  const before = document.body.dataset.state;
  document.body.dataset.state = state;
  document.body.dataset.reason = reason;
  let heading = null;
  for (const section of document.querySelectorAll('section')) {
    section.hidden = !section.dataset.on.split(' ').includes(state);
    if (section.id === 'chat' && state !== 'call') section.hidden ||= !$('messages').firstChild;
    heading ??= section.hidden ? null : section.querySelector('h2[tabindex]');
  }
  $('write').hidden = state !== 'call';
  if (state === 'start') told = null;
  if (state !== before && before !== 'loading') focus(state, heading);
}

/** Whoever works by keyboard goes on where something new is, unless the focus still has its place. */
function focus(state, heading) {
  const now = document.activeElement;
  const isKept = now && now !== document.body && now.getClientRects().length > 0;
  if (state === 'ringing') $('answer').focus();
  else if (!isKept) heading?.focus();
}

/** The way to the server: off, connected, reconnecting or lost. */
export function line(state, words) {
  document.body.dataset.line = state;
  text('line', words);
}

export const notice = (words) => text('notice', words);
export const joinError = (words) => text('join-error', words);
export const title = (words) => void (document.title = words ? `${words} · Peer` : 'Peer');

/** Who is in the room; `call` is asked for by a button. */
export function peers(list, call) {
  const items = list.map((peer) => {
    const item = element('li');
    item.dataset.peer = peer.id;
    item.dataset.name = peer.name ?? '';
    const who = element('div');
    who.append(element('strong', nameOf(peer)), element('span', kindOf(peer), 'kind'));
    item.append(who);
    if (peer.app === null || peer.app === 'call') {
      const button = element('button', `Call ${nameOf(peer)}`, 'main');
      button.onclick = () => call(peer.id);
      item.append(button);
    }
    return item;
  });
  const focused = document.activeElement?.closest?.('#peers li')?.dataset.peer;
  $('peers').replaceChildren(...items);
  if (focused) [...$('peers').children].find((one) => one.dataset.peer === focused)?.querySelector('button')?.focus();
  $('nobody').hidden = list.length > 0;
  tellOf(new Map(list.map((peer) => [peer.id, nameOf(peer)])));
}

/** Who was here when that was told last: id -> name; null before it is known. And who is here now. */
let told = null;
let here = null;
let tells = 0;

/** Tells a screen reader who came and who went, while the list is on the page. */
function tellOf(now) {
  here = now;
  told ??= now;
  tells ||= setTimeout(() => {
    const news = (from, to) => [...to].filter(([id]) => !from?.has(id)).map(([, name]) => name);
    const words = told ? cameAndWent(news(told, here), news(here, told)) : '';
    const isSeen = $('peers').closest('section').hidden === false;
    text('came', isSeen ? words : '');
    [told, tells] = [told && here, 0];
  }, TOLD_EVERY);
}

export function room(name, me) {
  text('room-title', name ? `Room ${name}` : 'The room for everybody');
  text('me', `You are ${me}. The others can call you as long as this page is open.`);
}

export function share(texts) {
  for (const [id, words] of Object.entries(texts)) text(id, words);
}

export function ringing(peer) {
  text('ring-who', peer ? `${nameOf(peer)} calls you` : '');
  text('ring-kind', peer ? kindOf(peer) : '');
  clearTimeout(early);
  ['answer', 'decline'].forEach((id) => $(id).setAttribute('aria-disabled', Boolean(peer)));
  if (peer) early = setTimeout(() => ['answer', 'decline'].forEach((id) => $(id).removeAttribute('aria-disabled')), TOO_EARLY);
}
let early = 0;

/** Whether it rings for so short a time that nobody can mean it. A script that presses something means it. */
export const isTooEarly = ({isTrusted}) => isTrusted && $('answer').getAttribute('aria-disabled') === 'true';

/** `state` in words; `path` as a badge. */
export function call(peer, words, path) {
  text('who', nameOf(peer));
  text('call-state', words);
  text('path', path === 'relay' ? 'through a relay' : path ?? '');
  document.body.dataset.path = path ?? '';
}

export const clock = (seconds) => text('duration', seconds === null ? '' : duration(seconds));

/** `again` and `back` are what the buttons say. */
export function ended({title: heading, text: words}, again, back) {
  text('ended-title', heading);
  text('ended-text', words);
  text('again', again);
  text('back', back);
}

/** Of both microphones, each 0 to 1. */
export function levels({here, there}) {
  for (const [id, level] of [['level-here', here], ['level-there', there]]) {
    $(id).firstElementChild.style.transform = `scaleX(${level.toFixed(3)})`;
    $(id).setAttribute('aria-valuenow', Math.round(level * 100));
  }
}

let shownDevices = null;

/** The choice of microphones. */
export function microphones(devices, chosen) {
  const option = (value, words) => {
    const made = element('option', words);
    made.value = value;
    return made;
  };
  const known = JSON.stringify(devices);
  if (known === shownDevices) return void ($('microphone').value = chosen);
  shownDevices = known;
  const all = devices.map((one) => option(one.id, one.label));
  $('microphone').replaceChildren(option('default', 'Default microphone'), ...all, option('off', 'No microphone'));
  $('microphone').value = chosen;
  if ($('microphone').selectedIndex < 0) $('microphone').value = 'default';
}

export function microphone({hasTrack, inCall, muted, error}) {
  $('mute').hidden = !inCall || !hasTrack;
  $('mute').setAttribute('aria-pressed', muted);
  $('mute').firstChild.data = muted ? 'Muted ' : 'Mute ';
  document.body.dataset.muted = muted;
  document.body.dataset.microphone = hasTrack ? 'on' : 'off';
  text('sound-error', error);
}

/** Whether the key M mutes, which some press without meaning it: by voice, or in a screen reader (WCAG 2.1.4). */
export function muteKey(on) {
  $('mute-key').checked = on;
  $('mute').querySelector('kbd').hidden = !on;
  if (on) $('mute').setAttribute('aria-keyshortcuts', 'm');
  else $('mute').removeAttribute('aria-keyshortcuts');
}

/** What the user asked for, and the server has not got. */
export const noRelay = (is) => text('relay-error', is ? 'This server has no relay, so no call will come about.' : '');

export const blocked = (is) => void ($('blocked').hidden = !is);

/** A message; gives what marks it as delivered. */
export function message({who, text: words, note, isMine}) {
  const item = element('div', '', isMine ? 'mine' : '');
  const small = element('small', note ? `${who} · ${note}` : who);
  item.append(element('p', words), small);
  $('messages').append(item);
  if ($('messages').childElementCount > MAX_MESSAGES) $('messages').firstChild.remove();
  $('messages').scrollTop = $('messages').scrollHeight;
  return (state) => (small.textContent = `${who} · ${state}`);
}

export const clearMessages = () => $('messages').replaceChildren();

const DASH = '–';
const shown = (value, unit, digits = 0) => (value === null ? DASH : `${value.toFixed(digits)}\u00a0${unit}`);
const percent = (value) => (value === null ? DASH : `${(value * 100).toFixed(1)}\u00a0%`);

/** One second's statistics; nothing clears them. */
export function stats(now, setup = null) {
  const all = {
    path: {relay: 'through a relay', direct: 'direct'}[now?.path] ?? DASH,
    rtt: shown(now?.rtt ?? null, 'ms', 1),
    loss: now ? `${percent(now.lossHere)} / ${percent(now.lossThere)}` : DASH,
    jitter: shown(now?.jitter ?? null, 'ms', 1),
    down: shown(now?.down ?? null, 'kbit/s'),
    up: shown(now?.up ?? null, 'kbit/s'),
    codec: now?.codec ?? DASH,
    setup: shown(setup, 'ms'),
  };
  for (const [key, words] of Object.entries(all)) document.querySelector(`[data-stat="${key}"]`).textContent = words;
  const {rtt, down} = plot.add(now);
  const trip = rtt ? `round trip up to ${shown(rtt, 'ms', 1)}, ` : '';
  text('plot-hint', now ? `Last minute: ${trip}receiving up to ${shown(down, 'kbit/s')}.` : '');
}

export function copied(button, done) {
  button.textContent = done ? 'Copied' : 'Select';
  setTimeout(() => (button.textContent = 'Copy'), 2000);
}

export {$ as byId};
