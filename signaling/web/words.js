// What is said to people: every end and every failure in a sentence, and what to do about it.

/** Close codes (PROTOCOL.md, section 5) after which connecting again would be in vain, or a fight. */
export const FINAL = [1003, 1008, 1009, 4000, 4003, 4401];

/** Those after which the server wants some quiet first. */
export const LATER = [1013, 4029, 4030];

const CLOSING = {
  1001: 'The server is restarting.',
  1003: 'The server refused a binary frame. That is a fault of this page.',
  1008: 'The server refused this page',
  1009: 'The server refused a frame that was too large. That is a fault of this page.',
  1013: 'The server cannot decide who may come in at the moment.',
  4000: 'This page was opened in another tab, which has taken over. Use that one, or join again here.',
  4003: 'The room is full, or the server has as many rooms as it may. Try another room that others are in, or try later.',
  4008: 'The connection was too slow for the server.',
  4009: 'Nothing was said here for as long as the server permits.',
  4029: 'The server got too many messages.',
  4030: 'The server got too many bytes.',
  4401: 'The server lets in who has a token: open this page by a link that somebody has made for you',
};

/** Why the socket to the server ended. */
export function closing(code, reason) {
  const words = CLOSING[code] ?? 'The server cannot be reached.';
  return [1008, 4401].includes(code) ? `${words}${reason ? ` (${reason})` : ''}.` : words;
}

/** What others call a member of the room. */
export const nameOf = (peer) => peer.name ?? `guest-${peer.id.slice(0, 6)}`;

/** Whether somebody sits at a page that came from another server than this one: anybody can make such a page. */
export const isForeign = (peer) => peer.origin !== null && peer.origin !== location.origin;

const ROLES = {answer: 'waits for a call', call: 'is calling', either: 'is here'};

/** What a member of the room is. */
export function kindOf(peer) {
  const browser = isForeign(peer) ? `a page from ${peer.origin}` : 'browser';
  const where = peer.origin === null ? 'terminal' : browser;
  if (peer.role === null) return `${where} · came without a name`;
  if (peer.app !== 'call') return `${where} · busy with ${peer.app}`;
  return `${where} · ${ROLES[peer.role] ?? 'is here'}`;
}

export function duration(seconds) {
  const two = (number) => String(Math.floor(number)).padStart(2, '0');
  const hours = seconds >= 3600 ? `${Math.floor(seconds / 3600)}:` : '';
  return `${hours}${two((seconds / 60) % 60)}:${two(seconds % 60)}`;
}

const quoted = (detail) => (detail ? ` (“${detail}”)` : '');

/** How a call ended: {isFailure, title, text}. */
export function ending(name, {reason, by, detail, seconds, wasCall, path}) {
  const how = wasCall ? `The call lasted ${duration(seconds)}${path === 'relay' ? ', through a relay' : ''}.` : '';
  const good = (title, text = how) => ({isFailure: false, title, text});
  const bad = (title, text) => ({isFailure: true, title, text});
  switch (reason) {
    case 'hung-up':
      if (by === 'local') return good(wasCall ? 'You hung up' : 'You gave up');
      return good(`${name} hung up`, `${how}${detail && detail !== 'hung up' ? ` The reason given: ${detail}.` : ''}`);
    case 'busy': return bad(`${name} is busy`, 'Try again a little later.');
    case 'declined': return bad(`${name} declined`, `The call was not taken${quoted(detail === 'declined' ? '' : detail)}.`);
    case 'no-answer': return bad(`${name} did not answer`, 'Nobody took the call within 30 seconds.');
    case 'left': return bad(`${name} left the room`, 'The call did not come about.');
    case 'lost': return bad(`${name} is lost`, `${how} Nothing was heard any more, and no path was found again within 30 seconds.`);
    case 'broken': return bad('The call could not be set up', `What ${name} sent cannot be used here${quoted(detail)}.`);
    case 'no-path': return bad(`No path to ${name}`, noPath(detail));
    default: return good('The call is over');
  }
}

/** The addresses that were tried, and what the other side says about it. */
function noPath({local, remote, told, relayOnly}) {
  const list = (all) => (all.length ? all.join(', ') : 'none');
  const relays = [...local, ...remote].some((one) => one.startsWith('relay'));
  const more = relays ? 'A firewall seems to block even the relay.' : ADVICE;
  const says = told ? ` The other side says: “${told}”.` : '';
  if (relayOnly && !local.length) return `You asked for a relay only, and there is none that works.${says} ${RELAY_ONLY}`;
  return `No pair of addresses worked. Ours: ${list(local)}. Theirs: ${list(remote)}.${says} ${more}`;
}

const RELAY_ONLY = 'Go back to the room and untick “Only through a relay”, or start the server with “signaling --relay”.';
const ADVICE = 'A relay would help: start the server with “signaling --relay”.';

const MISSED = {
  unanswered: 'rang for a minute',
  'gave-up': 'gave up',
  left: 'left the room',
};

/** A call that was not taken; nothing where we declined it. */
export const missed = (name, why) => (why in MISSED ? `You missed a call: ${name} ${MISSED[why]}.` : `You declined a call of ${name}.`);

/** More than these are not told by name. */
const FEW = 3;

/** Who came into the room and who left it, all by name. */
export function cameAndWent(came, went) {
  const list = (all) => (all.length > FEW ? `${all.length} people` : new Intl.ListFormat('en').format(all));
  const parts = [came.length && `${list(came)} came.`, went.length && `${list(went)} left.`];
  return parts.filter(Boolean).join(' ');
}

/** While the server is away. */
export const AWAY = 'The server is away, so nobody can be called now. It is tried again until it is back.';

/** Why there is no microphone. */
export function noMicrophone(error) {
  const still = 'You can still listen and write.';
  switch (error?.name) {
    case 'insecure':
      return `Browsers give no microphone to a page that came over plain http from another machine. ${still} Open it by https, or on the server itself by its address 127.0.0.1.`;
    case 'NotAllowedError':
      return `The microphone is not allowed. ${still} Allow it beside the page's address, then choose it again.`;
    case 'NotFoundError':
    case 'OverconstrainedError':
      return `There is no such microphone. ${still}`;
    case 'NotReadableError':
      return `The microphone is in use by something else. ${still}`;
    case 'ended':
      return `The microphone was unplugged. ${still} Choose another one.`;
    default:
      return `The microphone does not work (${error?.message ?? 'unknown reason'}). ${still}`;
  }
}
