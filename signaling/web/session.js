// One call with one peer: its connections, its negotiation, its messages, and what is done about a lost path.

import {Inbox, Outbox, parseControl, parseMessage} from './chat.js';
import {Link, isControl, isNumbered, say} from './connection.js';
import {Negotiation} from './negotiation.js';
import {Recovery} from './recovery.js';
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
/** Connections that the other side may make us open within one outage. */
const MAX_SPARES = 8;

export class Session {
  /** calling, connecting (answered, but not up), call, over. */
  phase;
  path = null;
  connectedAt = null;
  setupMs = null;
  #signaling;
  #sound;
  #tell;
  #relayOnly;
  #negotiation;
  #link = null;
  #spare = null;
  #recovery = null;
  #outbox = new Outbox();
  #inbox = new Inbox();
  #inputs = [];
  #working = false;
  #purpose = null;
  #spares = 0;
  #begun = performance.now();
  #clock;
  #left = null;

  /**
   * `party` is {peer, id, ours, polite, isTutorial}: the other side, the session's name on the wire (null for that of a
   * tutorial client), whether we offered, whether we make way. `tell` has `phase()`, `track(track)`, `message(message)`,
   * `delivered(seqs)`, `path()` and `over(end)`.
   */
  constructor(party, {signaling, sound, relayOnly, tell}) {
    this.party = party;
    this.#signaling = signaling;
    this.#sound = sound;
    this.#tell = tell;
    this.#relayOnly = relayOnly;
    this.#negotiation = new Negotiation(party.polite);
    this.phase = party.ours ? 'calling' : 'connecting';
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
    return this.#link?.pc;
  }

  start() {
    return this.#do(() => this.#negotiation.offer('begin'));
  }

  /** A frame of the other side. */
  frame({event, data, generation, session}) {
    if (event === 'bye') return this.#onBye(data);
    if (event === 'busy') return this.phase === 'call' ? undefined : this.#end('busy', {by: 'remote'});
    const isWhole = event === 'candidate' ? Boolean(data?.candidate) : typeof data?.sdp === 'string';
    if (!isWhole) return undefined;
    if (event === 'offer') this.party.id ??= session ?? null;
    return this.#do(() => this.#negotiation.remote(event, data, Number.isSafeInteger(generation) ? generation : null));
  }

  /** Whether a frame is of this call. */
  owns({from, session, event, data}) {
    if (from !== this.party.peer.id) return false;
    if (session != null) return session === this.party.id;
    return event !== 'offer' || identity(data?.sdp ?? '') === this.#link?.remote;
  }

  /** What we said may be lost. */
  resend() {
    // One that has lost its path offers anew instead.
    if (!this.isLost) this.#do(() => this.#negotiation.resend());
  }

  /** Its number, or null where it cannot be taken. */
  send(text) {
    const seq = this.#outbox.push(text);
    this.#flush();
    return seq;
  }

  /** The microphone came, went or changed. */
  async soundChanged() {
    await Promise.all([this.#link, this.#spare].map((link) => link?.send().catch(() => {})));
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
    while (this.phase === 'call' && !this.party.isTutorial && !this.#outbox.isEmpty && performance.now() < until) {
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

  // Negotiation

  async #do(step) {
    this.#inputs.push(step);
    if (this.#working) return;
    this.#working = true;
    while (this.#inputs.length && this.phase !== 'over') {
      this.#inputs.shift()();
      for (let output; (output = this.#negotiation.outputs.shift()) && this.phase !== 'over';) {
        await this.#carryOut(output);
      }
    }
    this.#working = false;
    this.#look();
  }

  async #carryOut(output) {
    switch (output.do) {
      case 'make-offer': return this.#make(output, () => this.#makeOffer(output.purpose));
      case 'make-answer': return this.#make(output, () => this.#makeAnswer(output.sdp));
      case 'set-answer': return this.#setAnswer(output.sdp);
      case 'rollback': return this.#rollback();
      case 'add-candidate': return this.#addCandidate(output.candidate);
      default: return this.#frame(output.event, output.data, output.generation);
    }
  }

  async #make(output, step) {
    try {
      this.#negotiation.described(await step());
    } catch (error) {
      this.#negotiation.refused();
      this.#broken(error);
    }
  }

  async #makeOffer(purpose) {
    this.#purpose = purpose;
    if (purpose === 'begin') {
      this.#link = await this.#open();
      this.#link.prepare(this.party.isTutorial);
      return this.#link.offer(false);
    }
    if (purpose === 'rebuild') {
      this.#dropSpare();
      this.#spare = await this.#open();
      this.#spare.prepare(false);
      return this.#spare.offer(false);
    }
    return this.#link.offer(purpose === 'restart');
  }

  async #makeAnswer(sdp) {
    this.#recovery?.theirTurn(performance.now());
    const link = await this.#linkFor(sdp);
    return link.answer(sdp);
  }

  /** The connection that an offer is for: the one there is, or a new one beside it. */
  async #linkFor(sdp) {
    if (!this.#link) {
      this.#link = await this.#open();
      return this.#link;
    }
    const known = this.#link.remote;
    if (!known || known === identity(sdp)) return this.#link;
    this.#spares += 1;
    if (this.#spares > MAX_SPARES) throw new Error('too many connections');
    this.#dropSpare();
    this.#spare = await this.#open();
    return this.#spare;
  }

  async #setAnswer(sdp) {
    const link = this.#purpose === 'rebuild' ? this.#spare : this.#link;
    try {
      await link.accept(sdp);
      this.#negotiation.accepted();
    } catch (error) {
      this.#negotiation.refused();
      this.#broken(error);
    }
  }

  async #rollback() {
    if (this.#purpose === 'rebuild') this.#dropSpare();
    else await this.#link.rollback().catch(() => {});
  }

  #dropSpare() {
    this.#spare?.close();
    this.#spare = null;
  }

  async #addCandidate(candidate) {
    const fits = (link) => link && (candidate.usernameFragment == null || link.remoteUfrag === candidate.usernameFragment);
    const link = [this.#spare, this.#link].find(fits);
    // One that cannot be read costs nothing but itself.
    await link?.addCandidate(candidate).catch(() => {});
  }

  /** What the other side says cannot be used: that ends a call which has nothing else. */
  #broken(error) {
    if (this.phase !== 'call') {
      this.#sayBye('unusable description');
      this.#end('broken', {by: 'local', detail: error.message});
    } else {
      this.#recovery.lost(performance.now(), 'failed');
    }
  }

  async #open() {
    const servers = await this.#signaling.servers(false);
    const hear = {
      candidate: (link, candidate) => this.#onCandidate(link, candidate),
      state: (link) => this.#onState(link),
      track: (link, track) => link === this.#spare || this.#tell.track(track),
      negotiate: (link) => link === this.#link && this.#do(() => this.#negotiation.offer('renegotiate')),
      opened: (link, channel) => this.#onOpened(link, channel),
      text: (link, channel, data) => this.#onText(link, channel, data),
      gone: (link) => this.#onGone(link),
    };
    const open = (list) => new Link(list, this.#relayOnly, this.#sound, hear);
    try {
      return open(servers);
    } catch {
      // One that this browser cannot read.
      return open([]);
    }
  }

  #frame(event, data, generation = null) {
    const frame = {event, data, to: this.party.peer.id};
    if (this.party.id) frame.session = this.party.id;
    if (generation !== null) frame.generation = generation;
    return this.#signaling.send(frame);
  }

  // What connections do

  #onCandidate(link, candidate) {
    const event = candidate?.candidate ? 'candidate' : 'candidates-end';
    const data = candidate?.candidate
      ? candidate.toJSON()
      : {usernameFragment: candidate?.usernameFragment ?? link.localUfrag};
    this.#do(() => this.#negotiation.local(event, data));
    // All were looked for, and there is none: nothing is to be waited for.
    if (!candidate && link === this.#link && !link.candidates && this.phase !== 'call') this.#noPath();
  }

  #onState(link) {
    const now = performance.now();
    if (link === this.#spare) {
      if (link.hasFailed) this.#dropSpare();
    } else if (link === this.#link && this.phase === 'call') {
      if (link.hasFailed) this.#recovery.lost(now, 'failed');
      else if (link.isSilent) this.#recovery.lost(now, 'silence');
      else if (link.pc.connectionState === 'connected') this.#found();
      this.#tell.path();
    } else if (link === this.#link && link.hasFailed) {
      this.#noPath();
    }
    this.#look();
  }

  /** Whether the call, or its second connection, is up. */
  #look() {
    if (this.phase === 'calling' && this.#negotiation.isAgreed) {
      this.phase = 'connecting';
      this.#begunAnswer = performance.now();
      this.#tell.phase();
    }
    if (this.phase === 'connecting' && this.#link?.isUp) {
      this.phase = 'call';
      this.connectedAt = performance.now();
      this.setupMs = Math.round((this.connectedAt - this.#begun) * 10) / 10;
      this.#recovery = new Recovery(this.party.ours, !this.party.isTutorial);
      this.#tell.phase();
      this.#flush();
      this.#findOutPath();
    }
    if (this.phase === 'call' && this.#spare?.isUp) this.#promote();
  }
  #begunAnswer = null;

  /** The second connection takes over: sound goes on there, and so do messages. */
  #promote() {
    const old = this.#link;
    this.#link = this.#spare;
    this.#spare = null;
    for (const {receiver} of this.#link.pc.getTransceivers()) this.#tell.track(receiver.track);
    setTimeout(() => old.close(), AFTERLIFE);
    this.#outbox.rewind();
    this.#flush();
    this.#found();
  }

  #found() {
    this.#spares = 0;
    if (this.#recovery.heard()) this.#tell.path();
    this.#findOutPath();
  }

  async #findOutPath() {
    this.path = (await pathOf(this.pc)) ?? this.path;
    if (this.phase === 'call') this.#tell.path();
  }

  /** `told` is what the other side says about it, if it was the first to know. */
  async #noPath(told = null) {
    const detail = {...(await tried(this.pc)), told, relayOnly: this.#relayOnly};
    if (this.phase === 'over') return;
    if (told === null) this.#sayBye('no path', 'failed');
    this.#end('no-path', {by: told === null ? 'local' : 'remote', detail});
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

  async #attempt(purpose) {
    const servers = await this.#signaling.servers(true);
    if (this.phase !== 'call') return;
    try {
      this.#link.use(servers);
    } catch {
      // The old ones will do.
    }
    this.#do(() => this.#negotiation.offer(purpose));
  }

  /** Ends the call with a tutorial client that left and sends nothing any more. */
  async #watchTutorial(now) {
    let packets = 0;
    (await reportOf(this.pc)).forEach((one) => (packets += one.type === 'inbound-rtp' ? one.packetsReceived : 0));
    if (!this.#left) return;
    if (packets !== this.#left.packets) this.#left = {at: now, packets};
    else if (now - this.#left.at > AFTERLIFE) this.#end('hung-up', {by: 'remote'});
  }

  // Messages

  #onOpened(link, channel) {
    // What came on the other channel before this one was open waits for its word.
    if (isControl(channel) && this.#inbox.last) this.#acknowledge(channel, this.#inbox.last);
    this.#look();
    this.#flush();
  }

  #onText(link, channel, data) {
    if (this.phase === 'over') return;
    if (typeof data !== 'string') {
      this.#tell.message({text: `(${data.byteLength} bytes)`, label: channel.label});
    } else if (isControl(channel)) {
      const word = parseControl(data);
      if (word?.ack !== undefined) this.#tell.delivered(this.#outbox.acknowledge(word.ack));
      if (word?.bye !== undefined) this.#onBye({reason: word.bye});
    } else if (isNumbered(channel)) {
      const message = parseMessage(data);
      if (!message) return;
      const isNew = this.#inbox.accept(message.seq);
      this.#acknowledge(link.control, message.seq);
      if (isNew) this.#tell.message({...message, label: channel.label});
    } else {
      this.#tell.message({text: data, label: channel.label});
    }
  }

  #acknowledge(control, seq) {
    say(control, JSON.stringify({event: 'ack', data: {seq}}));
  }

  #flush() {
    const chat = this.#link?.chat;
    if (this.phase !== 'call' || chat?.readyState !== 'open') return;
    for (const {seq, text} of this.#outbox.take()) {
      say(chat, isNumbered(chat) ? JSON.stringify({seq, text}) : text);
      if (!isNumbered(chat)) this.#tell.delivered(this.#outbox.acknowledge(seq));
    }
  }

  /** A channel closed: a page that is closed says nothing else. */
  #onGone(link) {
    if (link !== this.#link || this.phase !== 'call') return;
    if (this.#spare) this.#recovery.lost(performance.now(), 'failed');
    else if (this.party.isTutorial ? !link.chat : !link.control) this.#end('hung-up', {by: 'remote'});
  }

  // The end

  #onBye(data) {
    const reason = typeof data?.reason === 'string' ? data.reason.replace(/\p{Cc}/gu, '').slice(0, 100) : '';
    const outcome = data?.outcome;
    if (this.phase === 'call') {
      const gone = outcome === 'failed' && this.isLost;
      this.#end(gone ? 'lost' : 'hung-up', {by: 'remote', detail: reason});
    } else if (outcome === 'failed' && this.#negotiation.isAgreed) {
      this.#noPath(reason);
    } else {
      this.#end(this.party.ours ? 'declined' : 'hung-up', {by: 'remote', detail: reason});
    }
  }

  /** Without an outcome where nothing came of it because somebody did not want it. */
  #sayBye(reason, outcome = this.phase === 'call' ? this.path ?? 'direct' : undefined) {
    this.#bye = {reason, outcome, setup_ms: this.setupMs ?? undefined};
    say(this.#link?.control, JSON.stringify({event: 'bye', data: {reason}}));
    this.#frame('bye', this.#bye);
  }
  #bye = null;

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
    const close = () => [this.#link, this.#spare].forEach((link) => link?.close());
    linger ? setTimeout(close, linger) : close();
    this.#tell.over({reason, by, detail, wasCall, seconds, quiet, path: this.path});
  }
}
