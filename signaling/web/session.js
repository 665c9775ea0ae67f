// One call with one peer: how far it is, what is done about a lost path, and how it ends.

import {say} from './connection.js';
import {Exchange} from './exchange.js';
import {Messages} from './messages.js';
import {Pulse, Recovery} from './recovery.js';
import {identity} from './sdp.js';
import {pathOf, reportOf, tried} from './stats.js';

/** From the offer to an answer, and from there to being connected; ms. */
const CONNECT_LIMIT = 30_000;
/** The other side may still send on a connection that was replaced; ms. */
const AFTERLIFE = 2000;
/** Messages may take this long to be acknowledged once we hang up; ms. */
const FLUSH = 500;
/** The goodbye on the control channel has this long to leave; ms. */
const FLUSH_BYE = 100;
/** How often the clock is looked at; ms. */
const TICK = 250;

export class Session {
  /** calling, connecting (answered, but not up), call, over. */
  phase;
  path = null;
  connectedAt = null;
  setupMs = null;
  #signaling;
  #tell;
  #relayOnly;
  #exchange;
  #messages;
  #recovery = null;
  #pulse = new Pulse();
  #isDeaf = false;
  #begun = performance.now();
  #begunAnswer = null;
  #clock;
  #left = null;
  #bye = null;

  /**
   * `party` is {peer, id, ours, polite, isTutorial}: the other side, the session's name on the wire (null for that of a
   * tutorial client), whether we offered, whether we make way. `tell` has `phase()`, `track(track)`, `message(message)`,
   * `delivered(seqs, how)`, `path()` and `over(end)`.
   */
  constructor(party, {signaling, sound, relayOnly, tell}) {
    this.party = party;
    this.phase = party.ours ? 'calling' : 'connecting';
    this.#signaling = signaling;
    this.#tell = tell;
    this.#relayOnly = relayOnly;
    this.#messages = new Messages({...tell, bye: (reason) => this.#onBye({reason})});
    this.#exchange = new Exchange(party, {signaling, sound, relayOnly}, {
      state: (link) => this.#onState(link),
      track: (track) => this.#tell.track(track),
      opened: (link, channel) => this.#onOpened(channel),
      text: (link, channel, data) => this.phase !== 'over' && this.#messages.take(link, channel, data),
      gone: (link) => this.#onGone(link),
      nowhere: () => this.phase === 'call' || this.#noPath(),
      theirTurn: () => this.#recovery?.theirTurn(performance.now()),
      broken: (error) => this.#onBroken(error),
      done: () => this.#look(),
    });
    this.#clock = setInterval(() => this.#tick(), TICK);
  }

  /** Whether our offer is out, and was never answered. */
  get isUnanswered() {
    return this.phase === 'calling';
  }

  get isLost() {
    return Boolean(this.#recovery?.isLost);
  }

  /** The connection that statistics are about. */
  get pc() {
    return this.#exchange.link?.pc;
  }

  start() {
    return this.#exchange.offer('begin');
  }

  /** A frame of the other side. */
  frame(frame) {
    const {event, data, session} = frame;
    if (event === 'bye') return this.#onBye(data);
    if (event === 'busy') return this.phase === 'call' ? undefined : this.#end('busy', {by: 'remote'});
    if (event === 'offer') this.party.id ??= session ?? null;
    return this.#exchange.take(frame);
  }

  /** Whether a frame is of this call. */
  owns({from, session, event, data}) {
    if (from !== this.party.peer.id) return false;
    if (session != null) return session === this.party.id;
    return event !== 'offer' || identity(data?.sdp ?? '') === this.#exchange.link?.remote;
  }

  /** What we said may be lost. */
  resend() {
    // One that has lost its path offers anew instead.
    if (!this.isLost) this.#exchange.resend();
  }

  /** Its number, or null where it cannot be taken. */
  send(text) {
    const seq = this.#messages.push(text);
    this.#flush();
    return seq;
  }

  /** The microphone came, went or changed. */
  soundChanged() {
    return this.#exchange.soundChanged();
  }

  /** New ICE credentials for the same connection, by the user's wish or for another network. */
  restart() {
    if (this.phase === 'call') this.#attempt('restart');
  }

  /** Another network, or the same one again. */
  networkChanged() {
    if (this.phase === 'call') this.#recovery.lost(performance.now(), 'network');
  }

  /** The other side's socket ended; alone that ends no call that is up, but a tutorial client says nothing else. */
  peerLeft() {
    if (this.phase !== 'call') this.#end('left', {by: 'remote'});
    else if (this.party.isTutorial) this.#left = {at: performance.now(), packets: -1};
  }

  /** Hangs up: what was written still leaves. */
  async hangUp(reason = 'hung up') {
    const until = performance.now() + FLUSH;
    while (this.phase === 'call' && !this.party.isTutorial && !this.#messages.isEmpty && performance.now() < until) {
      await new Promise((done) => setTimeout(done, 20));
    }
    if (this.phase === 'over') return;
    this.#sayBye(reason);
    this.#end('hung-up', {by: 'local', linger: FLUSH_BYE});
  }

  /** The page goes: there is no time to wait. */
  leave(reason) {
    this.#sayBye(reason);
    this.#end('left', {by: 'local', linger: 0});
  }

  /** Another call takes its place; nothing is said. */
  drop() {
    this.#end('replaced', {by: 'remote', quiet: true});
  }

  // What connections do

  #onState(link) {
    const now = performance.now();
    if (link === this.#exchange.spare) {
      if (link.hasFailed) this.#exchange.dropSpare();
    } else if (link === this.#exchange.link && this.phase === 'call') {
      if (link.hasFailed) this.#recovery.lost(now, 'failed');
      else if (link.isSilent) this.#recovery.lost(now, 'silence');
      else if (link.pc.connectionState === 'connected') this.#found();
      this.#tell.path();
    } else if (link === this.#exchange.link && link.hasFailed) {
      this.#noPath();
    }
    this.#look();
  }

  #onOpened(channel) {
    this.#messages.opened(channel);
    this.#look();
    this.#flush();
  }

  /** A channel closed: a page that is closed says nothing else. */
  #onGone(link) {
    if (link !== this.#exchange.link || this.phase !== 'call') return;
    if (this.#exchange.spare) this.#recovery.lost(performance.now(), 'failed');
    else if (this.party.isTutorial ? !link.chat : !link.control) this.#end('hung-up', {by: 'remote'});
  }

  /** What the other side says cannot be used: that ends a call which has nothing else. */
  #onBroken(error) {
    if (this.phase !== 'call') {
      this.#sayBye('unusable description');
      this.#end('broken', {by: 'local', detail: error.message});
    } else {
      this.#recovery.lost(performance.now(), 'failed');
    }
  }

  /** Whether the call, or its second connection, is up. */
  #look() {
    if (this.phase === 'calling' && this.#exchange.isAgreed) {
      this.phase = 'connecting';
      this.#begunAnswer = performance.now();
      this.#tell.phase();
    }
    if (this.phase === 'connecting' && this.#exchange.link?.isUp) {
      this.phase = 'call';
      this.connectedAt = performance.now();
      this.setupMs = Math.round((this.connectedAt - this.#begun) * 10) / 10;
      this.#recovery = new Recovery(this.party.ours, !this.party.isTutorial);
      this.#tell.phase();
      this.#flush();
      this.#findOutPath();
    }
    if (this.phase === 'call' && this.#exchange.spare?.isUp) this.#promote();
  }

  /** The second connection takes over: sound goes on there, and so do messages. */
  #promote() {
    const old = this.#exchange.promote();
    for (const {receiver} of this.pc.getTransceivers()) this.#tell.track(receiver.track);
    setTimeout(() => old.close(), AFTERLIFE);
    this.#pulse = new Pulse();
    this.#isDeaf = false;
    this.#messages.rewind();
    this.#flush();
    this.#found();
  }

  #flush() {
    if (this.phase === 'call') this.#messages.flush(this.#exchange.link.chat);
  }

  // The path

  #found() {
    this.#exchange.settle();
    if (this.#recovery.heard()) this.#tell.path();
    this.#findOutPath();
  }

  async #findOutPath() {
    this.seen(await pathOf(this.pc));
  }

  /** The path that statistics tell; browsers change it without an event when a better one turns up. */
  seen(path) {
    if (this.phase !== 'call' || !path || path === this.path) return;
    this.path = path;
    this.#tell.path();
  }

  /** What statistics tell once a second of the present connection. */
  looked(pc, {path, sign}) {
    if (this.phase !== 'call' || pc !== this.pc) return;
    this.seen(path);
    const isDeaf = !this.party.isTutorial && this.#pulse.isGone(performance.now(), sign);
    if (isDeaf) {
      this.#recovery.lost(performance.now(), 'failed');
      this.#tell.path();
    } else if (this.#isDeaf && !this.#exchange.link.isSilent) {
      this.#found();
    }
    this.#isDeaf = isDeaf;
  }

  async #attempt(purpose) {
    const servers = await this.#signaling.servers(true);
    if (this.phase !== 'call') return;
    try {
      this.#exchange.link.use(servers);
    } catch {
      // The old ones will do.
    }
    this.#exchange.offer(purpose);
  }

  #tick() {
    const now = performance.now();
    if (this.phase === 'calling' && now > this.#begun + CONNECT_LIMIT) {
      this.#sayBye('no answer');
      this.#end('no-answer', {by: 'local'});
    } else if (this.phase === 'connecting' && now > (this.#begunAnswer ?? this.#begun) + CONNECT_LIMIT) {
      this.#noPath();
    } else if (this.phase === 'call') {
      const due = this.#recovery.due(now, this.#signaling.isUp);
      if (due === 'give-up') {
        this.#sayBye('lost', 'failed');
        this.#end('lost', {by: 'lost'});
      } else if (due) {
        this.#attempt(due);
      }
      if (this.#left) this.#watchTutorial(now);
    }
  }

  /** Ends the call with a tutorial client that left and sends nothing any more. */
  async #watchTutorial(now) {
    let packets = 0;
    (await reportOf(this.pc)).forEach((one) => (packets += one.type === 'inbound-rtp' ? one.packetsReceived : 0));
    if (packets !== this.#left.packets) this.#left = {at: now, packets};
    else if (now - this.#left.at > AFTERLIFE) this.#end('hung-up', {by: 'remote'});
  }

  // The end

  /** `told` is what the other side says about it, if it was the first to know. */
  async #noPath(told = null) {
    const detail = {...(await tried(this.pc)), told, relayOnly: this.#relayOnly};
    if (this.phase === 'over') return;
    if (told === null) this.#sayBye('no path', 'failed');
    this.#end('no-path', {by: told === null ? 'local' : 'remote', detail});
  }

  #onBye(data) {
    const reason = typeof data?.reason === 'string' ? data.reason.replace(/\p{Cc}/gu, '').slice(0, 100) : '';
    const outcome = data?.outcome;
    if (this.phase === 'call') {
      const gone = outcome === 'failed' && this.isLost;
      this.#end(gone ? 'lost' : 'hung-up', {by: 'remote', detail: reason});
    } else if (outcome === 'failed' && this.#exchange.isAgreed) {
      this.#noPath(reason);
    } else {
      this.#end(this.party.ours ? 'declined' : 'hung-up', {by: 'remote', detail: reason});
    }
  }

  /** Without an outcome where nothing came of it because somebody did not want it. */
  #sayBye(reason, outcome = this.phase === 'call' ? this.path ?? 'direct' : undefined) {
    this.#bye = {reason, outcome, setup_ms: this.setupMs ?? undefined};
    say(this.#exchange.link?.control, JSON.stringify({event: 'bye', data: {reason}}));
    this.#exchange.say('bye', this.#bye);
  }

  #end(reason, {by, detail = '', linger = 0, quiet = false}) {
    if (this.phase === 'over') return;
    const wasCall = this.phase === 'call';
    const seconds = wasCall ? (performance.now() - this.connectedAt) / 1000 : 0;
    if (!quiet) {
      // To nobody: for the server, which counts how calls come out.
      const outcome = wasCall ? this.path ?? 'direct' : 'failed';
      this.#signaling.send({event: 'bye', data: {reason, outcome, setup_ms: this.setupMs ?? undefined, ...this.#bye}});
    }
    this.phase = 'over';
    clearInterval(this.#clock);
    this.#exchange.end();
    linger ? setTimeout(() => this.#exchange.close(), linger) : this.#exchange.close();
    this.#tell.over({reason, by, detail, wasCall, seconds, quiet, path: this.path});
  }
}
