// An SMPP message centre for tests and the demo; the protocol itself is the npm package "smpp".
//
// Environment: PORT (0 = any free one), DLR_MS (receipt delay, empty = no receipts), LOG (file for
// the JSON lines, else standard output), MODE, PASSWORD (default "secret"), OPTIONS (JSON, see below),
// TLS_KEY and TLS_CERT (files; then it speaks TLS).
// Modes: ok · throttle (0x58) · queuefull (0x14) · reject (0x0b) · sysfail (0x08) · slow (submissions get no
// answer) · hang (nothing gets one) · garbage (answers that are no SMPP) · drop (hangs up) · badpass (0x0e).
// Lines on standard input: "mode NAME" changes the mode; "set {…}" changes options; "unbind", "cut" and
// "enquire" do that to all who are bound; 'mo {"from": "…", "to": "…", "text": "…"}' lets a subscriber write
// to our number; 'report {"id": 1, "from": "…", "to": "…", "good": true}' sends a receipt of its own. The end
// of standard input ends the program.
'use strict';
const fs = require('fs');
const smpp = require('smpp');

const REFUSALS = { throttle: 0x58, queuefull: 0x14, reject: 0x0b, sysfail: 0x08 };
const MODES = ['ok', 'slow', 'hang', 'garbage', 'drop', 'badpass', ...Object.keys(REFUSALS)];
const password = process.env.PASSWORD || 'secret';
const delay = process.env.DLR_MS === '' ? null : Number(process.env.DLR_MS || 300);
const out = process.env.LOG ? fs.openSync(process.env.LOG, 'a') : 1;
let mode = process.env.MODE || 'ok';
const options = {
  answer_ms: 0, shuffle_ms: 0, // the answer to a submit_sm comes so late, or by a random time up to so late
  throttle_every: 0, // each n-th submission is too fast
  refuse_part: 0, throttle_part: 0, // this part of a long text is refused; turned away at the first try
  drop_at: 0, // hangs up once, at the n-th submission from now, without answering it
  receipts: 'text', // or "tlv", "both", "odd"
  id_answer: 'decimal', id_receipt: 'decimal', // or "hex", "HEX", "padded"
  ...JSON.parse(process.env.OPTIONS || '{}'),
};
let nextId = Date.now() * 1000; // another base at each start: old receipts match no new message
let unsent = []; // receipts and subscribers' messages waiting for somebody to be bound
let reference = 0; // of the parts of a long message, one octet
let submissions = 0;
const turnedAway = new Set(); // parts that come again
const sessions = new Set();
const bound = new Set(); // of these, who hears receipts

const log = (event, fields) =>
  fs.writeSync(out, JSON.stringify({ at: new Date().toISOString(), event, ...fields }) + '\n');

// The package decodes texts; keep the octets as they came, to compare them byte for byte.
const decode = smpp.filters.message.decode;
smpp.filters.message.decode = function (value, skipUdh) {
  if (Buffer.isBuffer(value) && value.length) this.octets = Buffer.from(value);
  return decode.call(this, value, skipUdh);
};

function inForm(id, form) {
  switch (form) {
    case 'hex': return id.toString(16);
    case 'HEX': return id.toString(16).toUpperCase();
    case 'padded': return String(id).padStart(20, '0');
    default: return String(id);
  }
}

function receipt(id, submit, good = !submit.destination_addr.endsWith('9')) {
  const minute = new Date().toISOString().replace(/\D/g, '').slice(2, 12);
  const name = inForm(id, options.id_receipt);
  const tlvs = {
    receipted_message_id: name, message_state: good ? 2 : 5,
    ...(good ? {} : { network_error_code: Buffer.from([3, 0, 27]) }),
  };
  const text = options.receipts === 'odd'
    ? `ID: ${name}  Stat:${good ? 'delivrd' : 'UnDeliv'}  ERR:${good ? '' : '1B'} done date:?? Text: stat:EXPIRED id:1`
    : `id:${name} sub:001 dlvrd:00${good ? 1 : 0} submit date:${minute} ` +
      `done date:${minute} stat:${good ? 'DELIVRD' : 'UNDELIV'} err:${good ? '000' : '001'} text:`;
  return {
    esm_class: 4,
    source_addr: submit.destination_addr,
    destination_addr: submit.source_addr,
    short_message: options.receipts === 'tlv' ? '' : text,
    ...(['tlv', 'both'].includes(options.receipts) ? tlvs : {}),
  };
}

// What a subscriber wrote, as deliver_sm: GSM-7 one septet to an octet where it fits, else UCS-2, in parts
// when it is long, with an escape and a surrogate pair each kept whole.
function written({ from, to, text }) {
  const gsm = smpp.encodings.ASCII.match(text);
  const whole = smpp.encodings[gsm ? 'ASCII' : 'UCS2'].encode(text);
  const fields = { source_addr: from, destination_addr: to, data_coding: gsm ? 0 : 8 };
  for (const key of ['source_addr', 'dest_addr']) Object.assign(fields, { [key + '_ton']: 1, [key + '_npi']: 1 });
  if (whole.length <= (gsm ? 160 : 140)) return [{ ...fields, short_message: whole }];
  const parts = [];
  for (let at = 0, end; at < whole.length; at = end) {
    end = Math.min(at + (gsm ? 153 : 134), whole.length);
    if (end < whole.length && gsm && whole[end - 1] === 0x1b) end -= 1;
    if (end < whole.length && !gsm && (whole[end - 2] & 0xfc) === 0xd8) end -= 2;
    parts.push(whole.slice(at, end));
  }
  reference = (reference + 1) & 0xff;
  return parts.map((message, n) => ({
    ...fields, esm_class: 0x40,
    short_message: { udh: Buffer.from([5, 0, 3, reference, parts.length, n + 1]), message },
  }));
}

function deliver() {
  const [session] = bound;
  while (session && unsent.length) {
    const fields = unsent.shift();
    const text = fields.short_message.message || fields.short_message;
    log('deliver_sm', { from: fields.source_addr, to: fields.destination_addr, text: text.toString('hex') });
    session.deliver_sm(fields);
  }
}

// Which part of a long text this is: [reference, total, number], by header or by TLVs; null for a whole one.
function part(pdu) {
  if (pdu.sar_total_segments) return [pdu.sar_msg_ref_num, pdu.sar_total_segments, pdu.sar_segment_seqnum];
  const header = pdu.esm_class & 0x40 ? pdu.octets : [];
  if (header[1] === 0) return [header[3], header[4], header[5]];
  if (header[1] === 8) return [header[3] << 8 | header[4], header[5], header[6]];
  return null;
}

function refusal(pdu, numbers) {
  if (REFUSALS[mode]) return REFUSALS[mode];
  if (options.throttle_every && submissions % options.throttle_every === 0) return 0x58;
  if (!numbers) return 0;
  if (numbers[2] === options.refuse_part) return 0x0b;
  const key = [pdu.destination_addr, ...numbers].join();
  if (numbers[2] !== options.throttle_part || turnedAway.has(key)) return 0;
  turnedAway.add(key);
  return 0x58;
}

function submit(session, pdu) {
  submissions += 1;
  const numbers = part(pdu);
  const status = refusal(pdu, numbers);
  const id = nextId++;
  const { udh = [], message = '' } = pdu.short_message;
  log('submit_sm', {
    id: String(id), status, mode, from: pdu.source_addr, to: pdu.destination_addr,
    source: [pdu.source_addr_ton, pdu.source_addr_npi], destination: [pdu.dest_addr_ton, pdu.dest_addr_npi],
    data_coding: pdu.data_coding, esm_class: pdu.esm_class, priority: pdu.priority_flag,
    registered: pdu.registered_delivery, validity: pdu.validity_period, service_type: pdu.service_type,
    udh: Buffer.concat(udh).toString('hex'), text: message.toString(), part: numbers,
    octets: (pdu.octets || Buffer.alloc(0)).toString('hex'), is_payload: 'message_payload' in pdu,
  });
  if (mode === 'slow' || mode === 'hang') return;
  if (mode === 'drop' || (options.drop_at && --options.drop_at === 0)) return session.socket.destroy();
  if (mode === 'garbage') return session.socket.write(Buffer.alloc(64, 'HTTP/1.1 200 OK\r\n'));
  const answer = () => {
    session.send(pdu.response(
      status ? { command_status: status } : { message_id: inForm(id, options.id_answer) }));
    if (status || delay === null || !(pdu.registered_delivery & 1)) return;
    setTimeout(() => { unsent.push(receipt(id, pdu)); deliver(); }, delay);
  };
  const wait = options.answer_ms + Math.random() * options.shuffle_ms;
  if (wait) setTimeout(answer, wait); else answer();
}

function bind(session, pdu) {
  const refused = mode === 'badpass' || pdu.password !== password;
  log(pdu.command, {
    system_id: pdu.system_id, system_type: pdu.system_type, version: pdu.interface_version,
    status: refused ? 0x0e : 0,
  });
  session.send(pdu.response({ command_status: refused ? 0x0e : 0, system_id: 'simulator' }));
  if (refused) return;
  session.role = pdu.command;
  if (session.role !== 'bind_transmitter') { bound.add(session); deliver(); }
}

function listen(session) {
  session.socket.setNoDelay(true);
  sessions.add(session);
  session.on('error', () => session.socket.destroy()); // reset, or bytes that are no SMPP
  session.on('close', () => { sessions.delete(session); bound.delete(session); log('closed', { role: session.role }); });
  for (const kind of ['bind_transceiver', 'bind_transmitter', 'bind_receiver']) {
    session.on(kind, (pdu) => { if (mode !== 'hang') bind(session, pdu); });
  }
  session.on('submit_sm', (pdu) => submit(session, pdu));
  session.on('deliver_sm_resp', (pdu) => log('deliver_sm_resp', { status: pdu.command_status }));
  session.on('enquire_link', (pdu) => {
    log('enquire_link', {});
    if (mode !== 'hang') session.send(pdu.response());
  });
  session.on('enquire_link_resp', () => log('enquire_link_resp', {}));
  session.on('unbind', (pdu) => { log('unbind', {}); session.send(pdu.response()); session.close(); });
  session.on('unbind_resp', () => { log('unbind_resp', {}); session.close(); });
}

const tls = process.env.TLS_KEY && {
  key: fs.readFileSync(process.env.TLS_KEY), cert: fs.readFileSync(process.env.TLS_CERT),
};
const server = smpp.createServer(tls || {}, listen);
if (tls) server.on('tlsClientError', (error) => log('tls_refused', { code: error.code }));

const COMMANDS = {
  unbind: (session) => session.unbind(),
  cut: (session) => session.socket.destroy(),
  enquire: (session) => session.enquire_link(),
};

require('readline').createInterface({ input: process.stdin }).on('line', (line) => {
  if (line.startsWith('mo {')) { unsent.push(...written(JSON.parse(line.slice(3)))); return deliver(); }
  if (line.startsWith('report {')) {
    const { id, from, to, good } = JSON.parse(line.slice(7));
    unsent.push(receipt(id, { source_addr: from, destination_addr: to }, good));
    return deliver();
  }
  if (COMMANDS[line]) return sessions.forEach(COMMANDS[line]);
  if (line.startsWith('set {')) Object.assign(options, JSON.parse(line.slice(4)));
  const wanted = line.replace(/^mode /, '').trim();
  if (MODES.includes(wanted)) mode = wanted;
  log('mode', { mode, options });
}).on('close', () => process.exit(0));

server.listen(Number(process.env.PORT || 2775), '127.0.0.1', () =>
  fs.writeSync(1, `ready ${server.address().port}\n`));
