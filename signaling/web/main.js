// Wires what the user does, what the room says and what a call does to each other; each of them is a module of its own.

import {Calls} from './calls.js';
import {MAX_TEXT} from './chat.js';
import {ofBrowser, ofTab, secret} from './memory.js';
import * as share from './share.js';
import {Signaling} from './signaling.js';
import {Sound} from './sound.js';
import {Stats} from './stats.js';
import * as view from './view.js';
import {AWAY, ending, missed, nameOf, noMicrophone} from './words.js';

const $ = view.byId;
const sound = new Sound($('remote'));
const settings = {relayOnly: false};
const stats = new Stats();
const [seat, inCallWith, choices] = [ofTab('seat'), ofTab('call'), ofTab('choices')];
const [nameKept, muteKey] = [ofBrowser('name'), ofBrowser('mute-key')];

/** Where we are: {room, name, signaling, calls}, and whether we are in or were sent out; null before joining. */
let place = null;
/** The call on the screen: {session, peer}. */
let current = null;
/** Messages of this call on their way: number -> what marks them. */
const marks = new Map();
/** Whom to call again. */
let last = null;
/** The call that this page was in before it was loaded anew. */
let interrupted = null;

// The room

function join(room, name) {
  place?.calls.leave();
  place?.signaling.close();
  const hello = {version: 1, name: name || null, role: 'either', app: 'call', secret: secret()};
  const signaling = new Signaling(room, hello, {
    state: onLine,
    welcome: onWelcome,
    joined: (peer) => place.calls.joined(peer),
    left: (id) => place.calls.left(id),
    error: ({code} = {}) => code === 'no-such-peer' && place.calls.noSuchPeer(),
    frame: (frame) => place.calls.frame(frame),
  });
  const calls = new Calls({signaling, sound, settings}, {
    peers: showPeers, phase: onPhase, rings: onRings, missed: onMissed, over: onOver,
    track: (track) => sound.play(track),
    message: onMessage,
    delivered: onDelivered,
    path: showCall,
  });
  place = {room, name, signaling, calls};
  seat.set(JSON.stringify({room, name}));
  history.replaceState(null, '', share.link(room));
  view.line('reconnecting', 'Connecting to the server…');
}

function leave() {
  place?.calls.leave();
  place?.signaling.close();
  place = null;
  seat.set(null);
  inCallWith.set(null);
  view.line('off', '');
  view.notice('');
  view.title('');
  view.show('start');
}

function onWelcome(welcome) {
  const {calls} = place;
  // A token may fix another one than was asked for.
  const room = (place.room = welcome.room ?? '');
  calls.welcome(welcome);
  view.room(room, place.name || nameOf({name: null, id: welcome.id}));
  view.share({
    'share-link': share.link(room),
    'share-call': share.command('call', room),
    'share-answer': share.command('answer', room),
  });
  if (!place.isIn) {
    place.isIn = true;
    view.show('joined');
    view.title(room);
  }
  if (interrupted) goOn(calls);
}

/** After this page was loaded anew: the call that it was in is taken up again, where the other side is still there. */
function goOn(calls) {
  const {id, name} = interrupted;
  interrupted = null;
  if (calls.peers.has(id)) calls.call(id);
  else view.notice(`The page was loaded anew, which ended the call with ${name}.`);
}

function onLine(state, words) {
  const inCall = current?.session.phase === 'call' ? ' The call goes on.' : '';
  if (state === 'connected') {
    view.line('connected', 'Connected to the server');
    if ($('notice').textContent === AWAY) view.notice('');
  }
  if (state === 'reconnecting') view.line('reconnecting', `${words} Trying again…${inCall}`);
  if (state !== 'refused') return;
  place.isRefused = true;
  view.line('lost', inCall ? `${words}${inCall}` : 'Not connected');
  if (inCall) return;
  place.calls.leave();
  view.ended({title: 'You are not in the room', text: words}, ...AGAIN.room);
  view.show('failed', 'refused');
  seat.set(null);
}

/** What can be done after an end, by what has ended. */
const AGAIN = {room: ['Join again', 'Choose another room'], call: ['Call again', 'Back to the room']};

function showPeers() {
  view.peers([...place.calls.peers.values()], (id) => {
    view.notice('');
    call(id);
  });
}

// Calls

/** The user wants to be heard: nobody else unmutes the microphone. */
function speak() {
  sound.wake();
  sound.mute(false);
}

function call(id) {
  if (!place.signaling.isUp) return view.notice(AWAY);
  speak();
  return place.calls.call(id);
}

function onRings(peer) {
  view.ringing(peer);
  sound.ring(true);
  view.notice('');
  view.title(`${nameOf(peer)} calls`);
  view.show('ringing');
}

function onMissed(peer, why) {
  sound.ring(false);
  view.ringing(null);
  view.notice(missed(nameOf(peer), why));
  view.title(place.room);
  view.show('joined');
}

const PHASES = {calling: 'Ringing…', connecting: 'Connecting…', call: 'In a call'};

function onPhase() {
  const {session} = place.calls;
  const {peer} = session.party;
  if (session !== current?.session) begin(session, peer);
  if (session.phase === 'call') {
    view.clock(0);
    inCallWith.set(JSON.stringify({id: peer.id, name: nameOf(peer)}));
  }
  view.title(session.phase === 'call' ? `In a call with ${nameOf(peer)}` : nameOf(peer));
  view.show(session.phase);
  showCall();
  showMicrophone();
}

function begin(session, peer) {
  current = {session, peer};
  if (last !== peer.id) view.clearMessages();
  last = peer.id;
  sound.ring(false);
  notDelivered();
  view.stats(null);
  view.clock(null);
  sound.open();
}

function showCall() {
  if (!current) return;
  const {session, peer} = current;
  const words = session.isLost ? 'Connection lost. Looking for a path…' : PHASES[session.phase];
  document.body.dataset.lost = session.isLost;
  view.call(peer, words, session.path);
}

function onOver(peer, end) {
  if (end.quiet) return;
  current = null;
  inCallWith.set(null);
  notDelivered();
  sound.close();
  view.blocked(false);
  const {isFailure, ...words} = ending(nameOf(peer), end);
  view.ended(words, ...(place.isRefused ? AGAIN.room : AGAIN.call));
  view.title(words.title);
  view.show(isFailure ? 'failed' : 'ended', end.reason);
}

function onMessage({text, label, echo}) {
  const note = [echo ? 'echo' : '', label === 'chat' ? '' : label].filter(Boolean).join(', ');
  view.message({who: nameOf(current.peer), text: text.slice(0, MAX_TEXT), note, isMine: false});
}

function onDelivered(seqs, how) {
  for (const seq of seqs) {
    marks.get(seq)?.(how);
    marks.delete(seq);
  }
}

/** What was on its way when the call ended. */
function notDelivered() {
  marks.forEach((mark) => mark('not delivered'));
  marks.clear();
}

function write(text) {
  const seq = current?.session.send(text);
  if (seq == null) return false;
  const mark = view.message({who: 'You', text, note: 'sending', isMine: true});
  marks.set(seq, mark);
  return true;
}

// Sound

function showMicrophone() {
  const error = sound.error ?? (Sound.isPossible ? null : {name: 'insecure'});
  view.microphone({hasTrack: Boolean(sound.track), inCall: Boolean(current), muted: sound.muted, error: error ? noMicrophone(error) : ''});
}

async function showDevices() {
  view.microphones(await sound.devices(), sound.choice);
}

function toggleMute() {
  if (!current || !sound.track) return;
  sound.mute(!sound.muted);
  showMicrophone();
}

async function chooseSound(change) {
  Object.assign(sound, change, {error: null});
  if (!current) return void showMicrophone();
  await sound.open();
  // What was denied or is gone is not chosen either.
  if (sound.error) sound.choice = 'off';
  showDevices();
}

sound.addEventListener('microphone', () => {
  current?.session.soundChanged();
  if (current && sound.error) sound.choice = 'off';
  showMicrophone();
  showDevices();
});
sound.addEventListener('devices', showDevices);
sound.addEventListener('blocked', () => view.blocked(sound.blocked));

// What the user does

const field = (id) => $(id).value.trim();

$('join').onsubmit = (event) => {
  event.preventDefault();
  const [room, name] = [field('room'), field('name')];
  const wrong = [['room', room], ['name', name]].find(([, value]) => value && !share.NAME.test(value));
  view.joinError(wrong ? `“${wrong[1]}” is no ${wrong[0]}: use letters A to Z, digits, “.”, “_” and “-” only.` : '');
  if (wrong) return void $(wrong[0]).focus();
  nameKept.set(name || null);
  sound.wake();
  join(room, name);
};
$('leave').onclick = leave;
$('answer').onclick = (event) => {
  if (view.isTooEarly(event)) return;
  speak();
  place.calls.answer();
};
$('decline').onclick = (event) => view.isTooEarly(event) || place.calls.decline();
$('hang-up').onclick = () => current?.session.hangUp();
$('restart').onclick = () => current?.session.restart();
$('mute').onclick = toggleMute;
$('play').onclick = () => sound.wake();
$('back').onclick = () => {
  if (place.isRefused) return leave();
  place.calls.settle();
  view.notice('');
  view.title(place.room);
  return view.show('joined');
};
$('again').onclick = () => {
  if (place.isRefused) return join(place.room, place.name);
  if (!place.signaling.isUp || place.calls.peers.has(last)) return call(last);
  view.notice('They are not in the room any more.');
  return view.show('joined');
};
$('microphone').onchange = () => chooseSound({choice: $('microphone').value});
$('processing').onchange = () => chooseSound({processing: $('processing').checked});
$('mute-key').onchange = () => {
  view.muteKey($('mute-key').checked);
  muteKey.set($('mute-key').checked ? null : 'off');
};
$('relay-only').onchange = () => {
  settings.relayOnly = $('relay-only').checked;
  view.noRelay(settings.relayOnly && !place.signaling.hasRelay);
};
$('volume').oninput = () => (sound.volume = $('volume').value / 100);
$('write').onsubmit = (event) => {
  event.preventDefault();
  if ($('text').value && write($('text').value)) $('text').value = '';
};
document.querySelectorAll('[data-copy]').forEach((button) => {
  const source = $(button.dataset.copy);
  button.onclick = async () => view.copied(button, await share.copy(source.textContent, source));
});

const isTyping = ({target}) => target.matches?.('input:not([type="checkbox"]), select');
addEventListener('keydown', (event) => {
  const {key, ctrlKey, metaKey, altKey, repeat} = event;
  const isMute = key.toLowerCase() === 'm' && !ctrlKey && !metaKey && !altKey && !repeat;
  if (isMute && $('mute-key').checked && !isTyping(event)) toggleMute();
});
['pointerdown', 'keydown'].forEach((name) => addEventListener(name, () => current && sound.wake()));
addEventListener('online', () => current?.session.networkChanged());
addEventListener('offline', () => place?.signaling.doubt());
addEventListener('pagehide', () => {
  // Kept, so that the same page loaded anew goes on.
  const kept = [seat.get(), inCallWith.get()];
  place?.calls.leave();
  place?.signaling.close();
  [seat, inCallWith].forEach((cell, at) => cell.set(kept[at]));
  const {choice, processing, muted} = sound;
  choices.set(JSON.stringify({choice, processing, muted, volume: $('volume').value, ...settings}));
});
// A page that comes back from the browser's cache has lost everything.
addEventListener('pageshow', ({persisted}) => persisted && location.reload());

// The clock

setInterval(() => current && view.levels(sound.levels), 100);
setInterval(async () => {
  const session = current?.session;
  if (session?.phase !== 'call') return;
  view.clock((performance.now() - session.connectedAt) / 1000);
  const {pc} = session;
  const now = await stats.look(pc);
  if (current?.session !== session) return;
  session.looked(pc, now);
  view.stats(now, session.setupMs);
}, 1000);

// The start

const parsed = (cell) => {
  try {
    return JSON.parse(cell.get());
  } catch {
    return null;
  }
};
/** What the user had chosen goes on, too: nobody is heard, or shows an address, who did not want to. */
function restore({choice = 'default', processing = true, muted = false, volume = '100', relayOnly = false}) {
  Object.assign(sound, {choice, processing, volume: volume / 100});
  sound.mute(muted);
  settings.relayOnly = relayOnly;
  [$('processing').checked, $('relay-only').checked, $('volume').value] = [processing, relayOnly, volume];
}

const isReload = performance.getEntriesByType('navigation')[0]?.type === 'reload';
const [sat, called] = [parsed(seat), parsed(inCallWith)];
inCallWith.set(null);
$('room').value = new URLSearchParams(location.search).get('room') ?? '';
$('name').value = nameKept.get() ?? '';
$('share-local').hidden = !share.isLocal;
showDevices();
showMicrophone();
view.muteKey(muteKey.get() !== 'off');
view.show('start');
$('enter').disabled = false;
if (isReload) restore(parsed(choices) ?? {});
if (isReload && sat) {
  $('room').value = sat.room;
  interrupted = called;
  join(sat.room, sat.name);
}
